SELECT `t`.`time` AS `time`, toLowCardinality(`t`.`id`) AS `id`, `t`.`price` AS `price`, `t`.`volume` AS `volume`
 FROM (SELECT reinterpret(`t`.`__framehouse_bucket`, 'DateTime64(0, \'UTC\')') AS `time`, CAST(`t`.`id`, 'String') AS `id`, `t`.`price` AS `price`, `t`.`volume` AS `volume`
 FROM (SELECT plus(multiply(`t`.`__framehouse_key`, {p0:Int64}), {p1:Int64}) AS `__framehouse_bucket`, `t`.`id` AS `id`, if(equals(countIf(NOT (isNaN(`t`.`price`))), 0), NULL, avgIf(`t`.`price`, NOT (isNaN(`t`.`price`)))) AS `price`, accurateCast(sum(toInt128(`t`.`volume`)), 'UInt64') AS `volume`
 FROM (SELECT intDiv(minus(toInt64(CAST(`t`.`time`, 'DateTime')), {p2:Int64}), {p3:Int64}) AS `__framehouse_key`, bitShiftLeft(toInt128(toInt64(CAST(`t`.`time`, 'DateTime'))), 64) AS `__framehouse_order`, `t`.`id` AS `id`, `t`.`price` AS `price`, `t`.`volume` AS `volume` FROM `db`.`ticks` AS `t` WHERE `t`.`time` >= {p4:DateTime('UTC')} AND `t`.`time` < {p5:DateTime('UTC')}) AS `t` GROUP BY `t`.`__framehouse_key`, `t`.`id`) AS `t`) AS `t` ORDER BY `t`.`time` DESC, `t`.`id` DESC LIMIT 11
p0 Int64 3600
p1 Int64 1704153600
p2 Int64 1704153600
p3 Int64 3600
p4 DateTime('UTC') 2024-01-02 00:00:00
p5 DateTime('UTC') 2024-01-03 00:00:00
