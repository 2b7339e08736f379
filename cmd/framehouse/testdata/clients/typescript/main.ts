// Prints the days of August 2008 on which the S&P 500 closed at 1,290 points or more.
import createClient from "openapi-fetch";
import type { paths } from "./framehouse.d.ts";

const client = createClient<paths, "application/json" | "application/problem+json">({
  baseUrl: "http://127.0.0.1:8080",
  querySerializer: { array: { style: "form", explode: false } }, // lists with commas between
});
const { data, error } = await client.GET("/v1/nodes/sp500/rows", {
  params: { query: { from: "2008-08-01", to: "2008-08-31", "close.gte": 1290, select: ["close", "volume"] } },
});
if (error) throw new Error(`${error.detail} ${error.errors?.[0]?.hint}`);
for (const row of data.rows) console.log(row.date, row.close, row.volume);
