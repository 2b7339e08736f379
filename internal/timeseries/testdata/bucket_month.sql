SELECT `t`.`time` AS `time`, toLowCardinality(`t`.`id`) AS `id`, `t`.`price` AS `price`
 FROM (SELECT reinterpret(`t`.`__framehouse_bucket`, 'DateTime64(0, \'UTC\')') AS `time`, CAST(`t`.`id`, 'String') AS `id`, `t`.`price` AS `price`
 FROM (SELECT `t`.`__framehouse_key` AS `__framehouse_bucket`, `t`.`id` AS `id`, reinterpretAsFloat64(bitXor(toInt64(maxIfOrNull(plus(`t`.`__framehouse_order`, bitXor(reinterpretAsInt64(toFloat64(`t`.`price`)), bitAnd(bitShiftRight(reinterpretAsInt64(toFloat64(`t`.`price`)), 63), {p0:Int64}))), NOT (isNaN(`t`.`price`)))), bitAnd(bitShiftRight(toInt64(maxIfOrNull(plus(`t`.`__framehouse_order`, bitXor(reinterpretAsInt64(toFloat64(`t`.`price`)), bitAnd(bitShiftRight(reinterpretAsInt64(toFloat64(`t`.`price`)), 63), {p1:Int64}))), NOT (isNaN(`t`.`price`)))), 63), {p2:Int64}))) AS `price`
 FROM (SELECT roundDown(toInt64(CAST(`t`.`time`, 'DateTime')), {p3:Array(Int64)}) AS `__framehouse_key`, bitShiftLeft(toInt128(toInt64(CAST(`t`.`time`, 'DateTime'))), 64) AS `__framehouse_order`, `t`.`id` AS `id`, `t`.`price` AS `price` FROM `db`.`ticks` AS `t` WHERE `t`.`time` >= {p4:DateTime('UTC')} AND `t`.`time` < {p5:DateTime('UTC')}) AS `t` GROUP BY `t`.`__framehouse_key`, `t`.`id`) AS `t`) AS `t` ORDER BY `t`.`time` DESC, `t`.`id` DESC LIMIT 11
p0 Int64 9223372036854775807
p1 Int64 9223372036854775807
p2 Int64 9223372036854775807
p3 Array(Int64) [1704067200,1706745600]
p4 DateTime('UTC') 2024-01-02 00:00:00
p5 DateTime('UTC') 2024-01-03 00:00:00
