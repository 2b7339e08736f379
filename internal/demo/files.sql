-- How the files of the npm package vega-datasets become tables of schema.sql. Each file goes as it is into a table of
-- its own, named <table>_file, for example with
--
--   clickhouse-client --query 'INSERT INTO stocks_file FORMAT CSVWithNames' < stocks.csv
--
-- and from there, typed and cleaned, into its table. The <table>_file can then be dropped.

-- airports.csv: an unknown city or state is written NA, which is no state's code.
CREATE TABLE airports_file (iata String, name String, city String, state String, country String, latitude Float64, longitude Float64)
ENGINE = MergeTree ORDER BY tuple();

INSERT INTO airports
SELECT iata, name, nullIf(city, 'NA'), nullIf(state, 'NA'), country, latitude, longitude
FROM airports_file;

-- sp500-2000.csv
CREATE TABLE sp500_file (date Date, open Float64, high Float64, low Float64, close Float64, adjclose Float64, volume UInt64)
ENGINE = MergeTree ORDER BY tuple();

INSERT INTO sp500
SELECT date, open, high, low, close, adjclose, volume
FROM sp500_file;

-- stocks.csv: dates are written like Jan 1 2000.
CREATE TABLE stocks_file (symbol String, date String, price Float64)
ENGINE = MergeTree ORDER BY tuple();

INSERT INTO stocks
SELECT symbol, toDate(parseDateTimeBestEffort(date, 'UTC')), price
FROM stocks_file;

-- seattle-weather.csv
CREATE TABLE seattle_weather_file (date Date, precipitation Float64, temp_max Float64, temp_min Float64, wind Float64, weather String)
ENGINE = MergeTree ORDER BY tuple();

INSERT INTO seattle_weather
SELECT date, precipitation, temp_max, temp_min, wind, weather
FROM seattle_weather_file;

-- flights-3m.parquet: 7,892 flights share their route and minute with another, and some of these their delay too, so
-- they are numbered. Casts are accurate so that a value that does not fit stops the load.
CREATE TABLE flights_file (date DateTime64(9, 'UTC'), delay Int64, distance Int64, origin String, destination String)
ENGINE = MergeTree ORDER BY tuple();

INSERT INTO flights
SELECT
    date,
    origin,
    destination,
    row_number() OVER (PARTITION BY date, origin, destination ORDER BY delay),
    accurateCast(delay, 'Int16'),
    accurateCast(distance, 'UInt16')
FROM flights_file;
