-- everything by default
SELECT `t`.`id` AS `id`, `t`.`name` AS `name`, `t`.`region` AS `region`, toJSONString(`t`.`tags`) AS `tags`, `t`.`since` AS `since` FROM `db`.`customers` AS `t` FINAL ORDER BY `t`.`id` LIMIT 1001

-- a filter, columns, an order
SELECT `t`.`balance_usd` AS `balance_usd`, `t`.`note` AS `note`, `t`.`id` AS `id` FROM `db`.`balances` AS `t` WHERE `t`.`day` = {p0:Date} ORDER BY `t`.`balance_usd` DESC, `t`.`note` NULLS FIRST, `t`.`id` LIMIT 3
--   p0 Date "2026-03-22"

-- a key that tells rows apart
SELECT `t`.`id` AS `id`, `t`.`day` AS `day` FROM `db`.`balances` AS `t` WHERE `t`.`day` >= {p0:Date} AND (`t`.`day` > {p1:Date} OR (`t`.`day` = {p2:Date} AND `t`.`id` > {p3:UInt32})) ORDER BY `t`.`day`, `t`.`id` LIMIT 1001
--   p0 Date "2026-03-22"
--   p1 Date "2026-03-22"
--   p2 Date "2026-03-22"
--   p3 UInt32 "7"

-- descending, with nulls
SELECT `t`.`id` AS `id`, `t`.`note` AS `note` FROM `db`.`balances` AS `t` WHERE (`t`.`note` < {p0:String} OR isNull(`t`.`note`) OR (`t`.`note` = {p1:String} AND `t`.`id` > {p2:UInt32})) ORDER BY `t`.`note` DESC, `t`.`id` LIMIT 1001
--   p0 String "it\\'s\\ta\\\\b"
--   p1 String "it\\'s\\ta\\\\b"
--   p2 UInt32 "7"

-- behind a null
SELECT `t`.`id` AS `id`, `t`.`note` AS `note` FROM `db`.`balances` AS `t` WHERE (isNull(`t`.`note`) AND `t`.`id` > {p0:UInt32}) ORDER BY `t`.`note`, `t`.`id` LIMIT 1001
--   p0 UInt32 "7"

-- nulls first, behind a null
SELECT `t`.`id` AS `id`, `t`.`note` AS `note` FROM `db`.`balances` AS `t` WHERE (isNotNull(`t`.`note`) OR (isNull(`t`.`note`) AND `t`.`id` > {p0:UInt32})) ORDER BY `t`.`note` NULLS FIRST, `t`.`id` LIMIT 1001
--   p0 UInt32 "7"

-- a float behind NaN
SELECT `t`.`id` AS `id`, `t`.`rate` AS `rate` FROM `db`.`balances` AS `t` WHERE (isNull(`t`.`rate`) OR (isNaN(`t`.`rate`) AND `t`.`id` > {p0:UInt32})) ORDER BY `t`.`rate`, `t`.`id` LIMIT 1001
--   p0 UInt32 "7"

-- a float behind NaN, nulls first
SELECT `t`.`id` AS `id`, `t`.`rate` AS `rate` FROM `db`.`balances` AS `t` WHERE ((isNotNull(`t`.`rate`) AND NOT (isNaN(`t`.`rate`))) OR (isNaN(`t`.`rate`) AND `t`.`id` > {p0:UInt32})) ORDER BY `t`.`rate` DESC NULLS FIRST, `t`.`id` LIMIT 1001
--   p0 UInt32 "7"

-- a float behind infinity
SELECT `t`.`id` AS `id`, `t`.`rate` AS `rate` FROM `db`.`balances` AS `t` WHERE (`t`.`rate` > {p0:Float64} OR isNaN(`t`.`rate`) OR isNull(`t`.`rate`) OR (`t`.`rate` = {p1:Float64} AND `t`.`id` > {p2:UInt32})) ORDER BY `t`.`rate`, `t`.`id` LIMIT 1001
--   p0 Float64 "inf"
--   p1 Float64 "inf"
--   p2 UInt32 "7"

-- a key that does not tell rows apart
SELECT `t`.`text` AS `text`, `t`.`day` AS `day`, `t`.`v` AS `v` FROM `db`.`log` AS `t` WHERE `t`.`day` >= {p0:Date} AND (`t`.`day` > {p1:Date} OR (`t`.`day` = {p2:Date} AND (`t`.`text` > {p3:String} OR (`t`.`text` = {p4:String} AND (`t`.`v` > {p5:Float64} OR isNaN(`t`.`v`) OR `t`.`v` = {p6:Float64}))))) ORDER BY `t`.`day`, `t`.`text`, `t`.`v`, toJSONString(`t`.`tags`) LIMIT 1003
--   p0 Date "2026-03-22"
--   p1 Date "2026-03-22"
--   p2 Date "2026-03-22"
--   p3 String "x"
--   p4 String "x"
--   p5 Float64 "-0"
--   p6 Float64 "-0"

-- no key
SELECT `t`.`v` AS `v`, `t`.`w` AS `w` FROM `db`.`heap` AS `t` LIMIT 1001

-- no key, but an order
SELECT `t`.`v` AS `v`, `t`.`w` AS `w` FROM `db`.`heap` AS `t` WHERE `t`.`w` <= {p0:UInt8} AND (`t`.`w` < {p1:UInt8} OR (`t`.`w` = {p2:UInt8} AND (`t`.`v` > {p3:UInt8} OR `t`.`v` = {p4:UInt8}))) ORDER BY `t`.`w` DESC, `t`.`v` LIMIT 1003
--   p0 UInt8 "1"
--   p1 UInt8 "1"
--   p2 UInt8 "1"
--   p3 UInt8 "2"
--   p4 UInt8 "2"

-- a related column
SELECT `r0`.`name` AS `customer.name`, `t`.`balance_usd` AS `balance_usd`, `t`.`id` AS `id` FROM (SELECT `t`.`balance_usd` AS `balance_usd`, `t`.`id` AS `id`, `t`.`customer_id` AS `customer_id` FROM `db`.`balances` AS `t` ORDER BY `t`.`balance_usd` DESC, `t`.`id` LIMIT 4) AS `t` LEFT ANY JOIN (SELECT `t`.`id` AS `id`, `t`.`name` AS `name` FROM `db`.`customers` AS `t` FINAL) AS `r0` ON accurateCastOrNull(`t`.`customer_id`, 'UInt32') = `r0`.`id` ORDER BY `t`.`balance_usd` DESC, `t`.`id`

-- two steps away, and one that has no nulls
SELECT `t`.`debt_usd` AS `debt_usd`, `r1`.`name` AS `balance.customer.name`, if(isNull(`r0`.`__framehouse_there`), NULL, toJSONString(`r0`.`tags`)) AS `balance.tags`, `t`.`id` AS `id` FROM (SELECT `t`.`debt_usd` AS `debt_usd`, `t`.`id` AS `id`, `t`.`balance_id` AS `balance_id` FROM `db`.`debts` AS `t` WHERE `t`.`debt_usd` = {p0:Decimal(38, 4)} AND `t`.`id` > {p1:UInt32} ORDER BY `t`.`id` LIMIT 1001) AS `t` LEFT ANY JOIN (SELECT `t`.`id` AS `id`, `t`.`customer_id` AS `customer_id`, `t`.`tags` AS `tags`, 1 AS `__framehouse_there` FROM `db`.`balances` AS `t`) AS `r0` ON `t`.`balance_id` = `r0`.`id` LEFT ANY JOIN (SELECT `t`.`id` AS `id`, `t`.`name` AS `name` FROM `db`.`customers` AS `t` FINAL) AS `r1` ON accurateCastOrNull(`r0`.`customer_id`, 'UInt32') = `r1`.`id` ORDER BY `t`.`id`
--   p0 Decimal(38, 4) "1"
--   p1 UInt32 "2"

-- groups
SELECT `t`.`day` AS `day`, `t`.`count` AS `count`, `t`.`sum_balance_usd` AS `sum_balance_usd`, `t`.`max_day` AS `max_day` FROM (SELECT `t`.`day` AS `day`, count() AS `count`, sumOrNull(toDecimal128(`t`.`balance_usd`, 2)) AS `sum_balance_usd`, maxOrNull(`t`.`day`) AS `max_day` FROM `db`.`balances` AS `t` WHERE `t`.`note` = {p0:String} GROUP BY `t`.`day`) AS `t` ORDER BY `t`.`day` LIMIT 1001
--   p0 String "x"

-- related groups, with a condition on them
SELECT `t`.`customer.region` AS `customer.region`, `t`.`rate` AS `rate`, `t`.`count` AS `count`, toString(`t`.`sum_big`) AS `sum_big`, `t`.`mean_rate` AS `mean_rate`, `t`.`median_rate` AS `median_rate`, `t`.`distinct_rate` AS `distinct_rate`, `t`.`count_rate` AS `count_rate`, toString(`t`.`min_kind`) AS `min_kind` FROM (SELECT `r0`.`region` AS `customer.region`, if(isNaN(`t`.`rate`), NULL, toFloat64(`t`.`rate` + 0)) AS `rate`, count() AS `count`, sumOrNull(toInt128(`t`.`big`)) AS `sum_big`, avgOrNullIf(toFloat64(`t`.`rate`), NOT (isNaN(`t`.`rate`))) AS `mean_rate`, quantileExactInclusiveOrNullIf(0.5)(toFloat64(`t`.`rate`), NOT (isNaN(`t`.`rate`))) AS `median_rate`, uniqExact(if(isNaN(`t`.`rate`), NULL, toFloat64(`t`.`rate` + 0))) AS `distinct_rate`, countIf((isNotNull(`t`.`rate`) AND NOT (isNaN(`t`.`rate`)))) AS `count_rate`, minOrNull(`t`.`kind`) AS `min_kind` FROM `db`.`balances` AS `t` LEFT ANY JOIN (SELECT `t`.`id` AS `id`, `t`.`region` AS `region` FROM `db`.`customers` AS `t` FINAL) AS `r0` ON accurateCastOrNull(`t`.`customer_id`, 'UInt32') = `r0`.`id` GROUP BY `r0`.`region`, if(isNaN(`t`.`rate`), NULL, toFloat64(`t`.`rate` + 0))) AS `t` WHERE `t`.`count` = {p0:UInt64} AND `t`.`sum_big` >= {p1:Int128} ORDER BY `t`.`sum_big` DESC, `t`.`customer.region`, `t`.`rate` LIMIT 1001
--   p0 UInt64 "1"
--   p1 Int128 "100"

-- groups behind a group
SELECT `t`.`rate` AS `rate`, toString(`t`.`kind`) AS `kind`, `t`.`count` AS `count` FROM (SELECT if(isNaN(`t`.`rate`), NULL, toFloat64(`t`.`rate` + 0)) AS `rate`, `t`.`kind` AS `kind`, count() AS `count` FROM `db`.`balances` AS `t` GROUP BY if(isNaN(`t`.`rate`), NULL, toFloat64(`t`.`rate` + 0)), `t`.`kind`) AS `t` WHERE `t`.`count` >= {p0:UInt64} AND (`t`.`count` > {p1:UInt64} OR (`t`.`count` = {p2:UInt64} AND (isNull(`t`.`rate`) AND `t`.`kind` > {p3:String}))) ORDER BY `t`.`count`, `t`.`rate`, `t`.`kind` LIMIT 1001
--   p0 UInt64 "3"
--   p1 UInt64 "3"
--   p2 UInt64 "3"
--   p3 String "a"

-- all rows as one
SELECT `t`.`count` AS `count`, `t`.`sum_id` AS `sum_id`, `t`.`min_rate` AS `min_rate` FROM (SELECT count() AS `count`, sumOrNull(toDecimal128(`t`.`id`, 0)) AS `sum_id`, minOrNullIf(`t`.`rate`, NOT (isNaN(`t`.`rate`))) AS `min_rate` FROM `db`.`balances` AS `t`) AS `t` LIMIT 1001

-- distinct combinations
SELECT toString(`t`.`kind`) AS `kind`, `t`.`day` AS `day` FROM (SELECT `t`.`kind` AS `kind`, `t`.`day` AS `day` FROM `db`.`balances` AS `t` GROUP BY `t`.`kind`, `t`.`day`) AS `t` ORDER BY `t`.`kind`, `t`.`day` LIMIT 1001

-- values
SELECT `t`.`value` AS `value`, `t`.`count` AS `count` FROM (SELECT `t`.`region` AS `value`, count() AS `count` FROM `db`.`customers` AS `t` FINAL GROUP BY `t`.`region`) AS `t` ORDER BY `t`.`count` DESC, `t`.`value` LIMIT 101

-- values that contain a text
SELECT `t`.`value` AS `value`, `t`.`count` AS `count` FROM (SELECT if(isNaN(`t`.`rate`), NULL, toFloat64(`t`.`rate` + 0)) AS `value`, count() AS `count` FROM `db`.`balances` AS `t` WHERE positionCaseInsensitiveUTF8(toString(`t`.`rate`), {p0:String}) > 0 GROUP BY if(isNaN(`t`.`rate`), NULL, toFloat64(`t`.`rate` + 0))) AS `t` ORDER BY `t`.`count` DESC, `t`.`value` LIMIT 8
--   p0 String "5\\'"

-- a count
SELECT count() AS `count` FROM `db`.`balances` AS `t` WHERE `t`.`note` = {p0:String}
--   p0 String "x"

-- a count of groups
SELECT count() AS `count` FROM (SELECT `t`.`day` AS `day` FROM `db`.`balances` AS `t` WHERE `t`.`note` = {p0:String} GROUP BY `t`.`day`) AS `t`
--   p0 String "x"

-- an estimate
EXPLAIN ESTIMATE SELECT 1 AS `one` FROM `db`.`balances` AS `t` WHERE `t`.`note` = {p0:String}
--   p0 String "x"

