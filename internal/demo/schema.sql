-- The tables of the demo, and the rows that need no file. Each statement can be run as it stands; files.sql fills the
-- others. Conventions: the sorting key of each table is unique, so that it identifies a row; text that repeats is
-- LowCardinality; an unknown value is NULL and never a stand-in; amounts of money are Decimal.

CREATE TABLE customers
(
    id            UInt32                 COMMENT 'Number of the customer.',
    customer_code String                 COMMENT 'Short code of the customer, unique.',
    name          String                 COMMENT 'Full name of the customer.',
    region        LowCardinality(String) COMMENT 'Where the customer is: US or EU.'
)
ENGINE = MergeTree
ORDER BY id
COMMENT 'Customers (made up).';

INSERT INTO customers VALUES
    (1, 'ACME', 'Acme Capital', 'US'),
    (2, 'BETA', 'Beta Treasury', 'EU');

CREATE TABLE customer_balances
(
    id          UInt32         COMMENT 'Number of the balance.',
    customer_id UInt32         COMMENT 'The customer, as customers.id.',
    as_of_date  Date           COMMENT 'Day of the balance.',
    balance_usd Decimal(18, 2) COMMENT 'Balance of the customer.'
)
ENGINE = MergeTree
ORDER BY id
COMMENT 'Balances of the customers (made up).';

INSERT INTO customer_balances VALUES
    (1, 1, '2026-03-22', 150000.00),
    (2, 2, '2026-03-22', 91250.00);

CREATE TABLE customer_debts
(
    id         UInt32                 COMMENT 'Number of the debt.',
    balance_id UInt32                 COMMENT 'The balance it is part of, as customer_balances.id.',
    debt_type  LowCardinality(String) COMMENT 'Kind of debt, such as margin or fx_credit.',
    debt_usd   Decimal(18, 2)         COMMENT 'Amount owed.'
)
ENGINE = MergeTree
ORDER BY id
COMMENT 'Debts behind the balances (made up).';

INSERT INTO customer_debts VALUES
    (1, 1, 'margin', 15000.00),
    (2, 2, 'fx_credit', 6500.00);

CREATE TABLE daily_random_number
(
    time_index    DateTime('UTC') COMMENT 'Midnight UTC at which the day begins.',
    random_number Float64         COMMENT 'Drawn from the standard normal distribution: mean 0, standard deviation 1.'
)
ENGINE = MergeTree
ORDER BY time_index
COMMENT 'One random number for each day (made up).';

-- The numbers come from a hash of the day, by the Box-Muller transform, so that they are the same in every copy of the
-- demo. They are rounded because the last bits of ln and cos differ between machines. The 1 that is added keeps ln
-- from 0; 11 bits are dropped because a Float64 holds 53.
INSERT INTO daily_random_number
WITH
    toDateTime('2020-01-01 00:00:00', 'UTC') + INTERVAL number DAY AS day,
    (bitShiftRight(sipHash64('radius ' || toString(day)), 11) + 1) / exp2(53) AS u,
    (bitShiftRight(sipHash64('angle ' || toString(day)), 11) + 1) / exp2(53) AS v
SELECT day, round(sqrt(-2 * ln(u)) * cos(2 * pi() * v), 6)
FROM numbers(dateDiff('day', toDate('2020-01-01'), toDate('2028-01-01')));

CREATE TABLE airports
(
    iata      String                           COMMENT 'Code of three or four characters: that of IATA, or of the US aviation authority for small airports.',
    name      String                           COMMENT 'Name of the airport.',
    city      Nullable(String)                 COMMENT 'City that it serves; unknown for twelve airports.',
    state     LowCardinality(Nullable(String)) COMMENT 'US state or territory, as a two-letter code; unknown for twelve airports.',
    country   LowCardinality(String)           COMMENT 'Country; USA for all but four airports.',
    latitude  Float64                          COMMENT 'Degrees north of the equator.',
    longitude Float64                          COMMENT 'Degrees east of Greenwich; west is negative.'
)
ENGINE = MergeTree
ORDER BY iata
COMMENT 'Airports of the United States and its territories.';

CREATE TABLE sp500
(
    date      Date    COMMENT 'Trading day.',
    open      Float64 COMMENT 'Index at the opening of the exchange.',
    high      Float64 COMMENT 'Highest index of the day.',
    low       Float64 COMMENT 'Lowest index of the day.',
    close     Float64 COMMENT 'Index at the close of the exchange.',
    adj_close Float64 COMMENT 'Close adjusted for dividends and splits; for an index it equals the close.',
    volume    UInt64  COMMENT 'Shares traded on the day.'
)
ENGINE = MergeTree
ORDER BY date
COMMENT 'S&P 500 stock index by trading day.';

-- The symbol comes first: the prices of one company are then neighbours, and within them a range of days is one read.
CREATE TABLE stocks
(
    symbol LowCardinality(String) COMMENT 'Ticker symbol of the company.',
    date   Date                   COMMENT 'First day of the month that the price is for.',
    price  Float64                COMMENT 'Price of one share.'
)
ENGINE = MergeTree
ORDER BY (symbol, date)
COMMENT 'Prices of five stocks by month.';

-- Float64 rather than Float32, of which 12.8 would be answered as 12.800000190734863.
CREATE TABLE seattle_weather
(
    date          Date                   COMMENT 'Day of the observation.',
    precipitation Float64                COMMENT 'Rain, and snow as water, that fell on the day.',
    temp_max      Float64                COMMENT 'Highest temperature of the day.',
    temp_min      Float64                COMMENT 'Lowest temperature of the day.',
    wind          Float64                COMMENT 'Average wind speed of the day.',
    weather       LowCardinality(String) COMMENT 'Weather of the day: sun, rain, drizzle, fog or snow.'
)
ENGINE = MergeTree
ORDER BY date
COMMENT 'Weather of Seattle by day.';

-- The time comes first, since this is read by time: the newest flights, or those of a day, are then one short read in
-- the order of the answer. A single route is found in 3 million rows fast enough without the help of the key.
CREATE TABLE flights
(
    departure   DateTime('UTC')        COMMENT 'Local time at the origin at which the flight left, given as if it were UTC.',
    origin      LowCardinality(String) COMMENT 'Airport that it left, as airports.iata.',
    destination LowCardinality(String) COMMENT 'Airport that it flew to, as airports.iata.',
    nth         UInt8                  COMMENT '1; or 2 and 3 for further flights on the same route in the same minute.',
    delay       Int16                  COMMENT 'How late it arrived; negative when early.',
    distance    UInt16                 COMMENT 'Distance between the airports.'
)
ENGINE = MergeTree
ORDER BY (departure, origin, destination, nth)
COMMENT 'Flights within the United States, one row each.';

-- The one table that is written through the API. ClickHouse keeps of the rows with a key the one with the greatest
-- version, and none where that one is deleted; it remembers the last thousand insertions, so that one can be repeated.
CREATE TABLE watchlist
(
    list       LowCardinality(String)  COMMENT 'Name of the list.',
    symbol     String                  COMMENT 'Ticker symbol.',
    target     Nullable(Decimal(18, 4)) COMMENT 'Price to wait for; null when there is none.',
    note       String DEFAULT ''       COMMENT 'What to remember.',
    created_at DateTime64(3, 'UTC')    COMMENT 'When the entry was first written.',
    created_by String                  COMMENT 'Who wrote it first.',
    updated_at DateTime64(3, 'UTC')    COMMENT 'When the entry was last written.',
    version    UInt64                  COMMENT 'Nanoseconds at which the row was written.',
    is_deleted UInt8                   COMMENT '1 in a row that stands for a deleted one.'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (list, symbol)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Symbols that somebody watches; empty until somebody writes.';
