SELECT `t`.`time` AS `time`, toLowCardinality(`t`.`id`) AS `id`, `t`.`price` AS `price`
 FROM (SELECT reinterpret(transform(`t`.`__framehouse_bucket`, {p0:Array(Int64)}, {p1:Array(Int64)}, plus(least(`t`.`__framehouse_bucket`, {p2:Int64}), {p3:Int64})), 'DateTime64(0, \'UTC\')') AS `time`, CAST(`t`.`id`, 'String') AS `id`, `t`.`price` AS `price`
 FROM (SELECT `t`.`__framehouse_key` AS `__framehouse_bucket`, `t`.`id` AS `id`, maxIfOrNull(`t`.`price`, NOT (isNaN(`t`.`price`))) AS `price`
 FROM (SELECT plus(roundDown(toInt64(CAST(`t`.`time`, 'DateTime')), {p4:Array(Int64)}), multiply(intDiv(minus(toInt64(CAST(`t`.`time`, 'DateTime')), roundDown(toInt64(CAST(`t`.`time`, 'DateTime')), {p5:Array(Int64)})), {p6:Int64}), {p7:Int64})) AS `__framehouse_key`, bitShiftLeft(toInt128(toInt64(CAST(`t`.`time`, 'DateTime'))), 64) AS `__framehouse_order`, `t`.`id` AS `id`, `t`.`price` AS `price` FROM `db`.`ticks` AS `t` WHERE `t`.`time` >= {p8:DateTime('UTC')} AND `t`.`time` < {p9:DateTime('UTC')}) AS `t` GROUP BY `t`.`__framehouse_key`, `t`.`id`) AS `t`) AS `t` ORDER BY `t`.`time` DESC, `t`.`id` DESC LIMIT 11
p0 Array(Int64) [1710046800]
p1 Array(Int64) [1710129600]
p2 Int64 9223372036854689407
p3 Int64 86400
p4 Array(Int64) [1704085200,1710046800,1710129600]
p5 Array(Int64) [1704085200,1710046800,1710129600]
p6 Int64 86400
p7 Int64 86400
p8 DateTime('UTC') 2024-01-01 05:00:00
p9 DateTime('UTC') 2024-05-01 04:00:00
