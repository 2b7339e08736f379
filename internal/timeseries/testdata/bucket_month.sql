SELECT `t`.`time` AS `time`, `t`.`id` AS `id`, `t`.`price` AS `price`
 FROM (SELECT reinterpret(`t`.`__framehouse_bucket`, 'DateTime64(0, \'UTC\')') AS `time`, `t`.`id` AS `id`, `t`.`price` AS `price`
 FROM (SELECT `t`.`__framehouse_bucket` AS `__framehouse_bucket`, `t`.`id` AS `id`, argMaxIfOrNull(`t`.`price`, bitOr(`t`.`__framehouse_order`, toUInt128(bitXor(reinterpretAsUInt64(toFloat64(`t`.`price`)), bitOr(reinterpretAsUInt64(bitShiftRight(reinterpretAsInt64(toFloat64(`t`.`price`)), 63)), 9223372036854775808)))), NOT (isNaN(`t`.`price`))) AS `price`
 FROM (SELECT roundDown(toInt64(`t`.`time`), {p0:Array(Int64)}) AS `__framehouse_bucket`, bitShiftLeft(toUInt128(bitXor(reinterpretAsUInt64(toInt64(`t`.`time`)), 9223372036854775808)), 64) AS `__framehouse_order`, `t`.`id` AS `id`, `t`.`price` AS `price` FROM `db`.`ticks` AS `t` WHERE `t`.`time` >= {p1:DateTime('UTC')} AND `t`.`time` < {p2:DateTime('UTC')}) AS `t` GROUP BY `t`.`__framehouse_bucket`, `t`.`id`) AS `t`) AS `t` ORDER BY `t`.`time` DESC, `t`.`id` DESC LIMIT 11
p0 Array(Int64) [1704067200,1706745600]
p1 DateTime('UTC') 2024-01-02 00:00:00
p2 DateTime('UTC') 2024-01-03 00:00:00
