// Each of these is a mistake that the types must catch. It is compiled and never run.
import type { components, operations } from "./framehouse.d.ts";

type Row = components["schemas"]["Sp500Row"];
type Query = NonNullable<operations["readSp500"]["parameters"]["query"]>;

// @ts-expect-error there is no such column
export const column = (row: Row) => row.clsoe;
// @ts-expect-error a null is no number
export const sum = (row: Required<Row>) => row.close + 1;
// @ts-expect-error a day is a text
export const day = (row: Required<Row>): number => row.date;
// @ts-expect-error there is no such parameter
export const parameter: Query = { "clsoe.gte": 1 };
// @ts-expect-error a bound of a number is a number
export const bound: Query = { "close.gte": "high" };
// @ts-expect-error there is no such choice
export const choice: Query = { order: "upwards" };
