SELECT `t`.`time` AS `time`, toLowCardinality(`t`.`id`) AS `id`, `t`.`price` AS `price`, `t`.`filled` AS `filled`
 FROM (SELECT reinterpret(`t`.`__framehouse_bucket`, 'DateTime64(0, \'UTC\')') AS `time`, CAST(`t`.`id`, 'String') AS `id`, `t`.`price` AS `price`, `t`.`filled` AS `filled`
 FROM (SELECT `t`.`__framehouse_tick` AS `__framehouse_bucket`, `t`.`id` AS `id`, if(`t`.`__framehouse_slot` < `t`.`__framehouse_position`, NULL, `t`.`__framehouse_previous_0`) AS `price`, toBool((NOT (`t`.`__framehouse_slot` = `t`.`__framehouse_position`) OR (isNull(`t`.`price`) AND isNotNull(if(`t`.`__framehouse_slot` < `t`.`__framehouse_position`, NULL, `t`.`__framehouse_previous_0`))))) AS `filled`
 FROM (SELECT `t`.`__framehouse_bucket` AS `__framehouse_bucket`, `t`.`id` AS `id`, `t`.`price` AS `price`, `t`.`__framehouse_position` AS `__framehouse_position`, `t`.`__framehouse_next` AS `__framehouse_next`, `t`.`__framehouse_number` AS `__framehouse_number`, `t`.`__framehouse_previous_0` AS `__framehouse_previous_0`, `t`.`__framehouse_begin` AS `__framehouse_begin`, `t`.`__framehouse_count` AS `__framehouse_count`, `t`.`__framehouse_so_far` AS `__framehouse_so_far`, `t`.`__framehouse_slot` AS `__framehouse_slot`, plus({p0:Int64}, multiply(`t`.`__framehouse_slot`, {p1:Int64})) AS `__framehouse_tick`
 FROM (SELECT `t`.`__framehouse_bucket` AS `__framehouse_bucket`, `t`.`id` AS `id`, `t`.`price` AS `price`, `t`.`__framehouse_position` AS `__framehouse_position`, `t`.`__framehouse_next` AS `__framehouse_next`, `t`.`__framehouse_number` AS `__framehouse_number`, `t`.`__framehouse_previous_0` AS `__framehouse_previous_0`, `t`.`__framehouse_begin` AS `__framehouse_begin`, `t`.`__framehouse_count` AS `__framehouse_count`, `t`.`__framehouse_so_far` AS `__framehouse_so_far`, arrayJoin(range(`t`.`__framehouse_begin`, plus(`t`.`__framehouse_begin`, plus(`t`.`__framehouse_count`, throwIf(`t`.`__framehouse_so_far` > {p2:Int64}, 'too many buckets to fill', toInt16(396)))))) AS `__framehouse_slot`
 FROM (SELECT `t`.`__framehouse_bucket` AS `__framehouse_bucket`, `t`.`id` AS `id`, `t`.`price` AS `price`, `t`.`__framehouse_position` AS `__framehouse_position`, `t`.`__framehouse_next` AS `__framehouse_next`, `t`.`__framehouse_number` AS `__framehouse_number`, `t`.`__framehouse_previous_0` AS `__framehouse_previous_0`, `t`.`__framehouse_begin` AS `__framehouse_begin`, `t`.`__framehouse_count` AS `__framehouse_count`, sum(`t`.`__framehouse_count`) OVER ( ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS `__framehouse_so_far`
 FROM (SELECT `t`.`__framehouse_bucket` AS `__framehouse_bucket`, `t`.`id` AS `id`, `t`.`price` AS `price`, `t`.`__framehouse_position` AS `__framehouse_position`, `t`.`__framehouse_next` AS `__framehouse_next`, `t`.`__framehouse_number` AS `__framehouse_number`, `t`.`__framehouse_previous_0` AS `__framehouse_previous_0`, `t`.`__framehouse_begin` AS `__framehouse_begin`, greatest(least(minus(`t`.`__framehouse_next`, `t`.`__framehouse_begin`), {p3:Int64}), {p4:Int64}) AS `__framehouse_count`
 FROM (SELECT `t`.`__framehouse_bucket` AS `__framehouse_bucket`, `t`.`id` AS `id`, `t`.`price` AS `price`, `t`.`__framehouse_position` AS `__framehouse_position`, `t`.`__framehouse_next` AS `__framehouse_next`, `t`.`__framehouse_number` AS `__framehouse_number`, `t`.`__framehouse_previous_0` AS `__framehouse_previous_0`, if(`t`.`__framehouse_number` = 1, {p5:Int64}, greatest(`t`.`__framehouse_position`, {p6:Int64})) AS `__framehouse_begin`
 FROM (SELECT `t`.`__framehouse_bucket` AS `__framehouse_bucket`, `t`.`id` AS `id`, `t`.`price` AS `price`, `t`.`__framehouse_position` AS `__framehouse_position`, leadInFrame(`t`.`__framehouse_position`, 1, {p7:Int64}) OVER (PARTITION BY `t`.`id` ORDER BY `t`.`__framehouse_position` ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS `__framehouse_next`, row_number() OVER (PARTITION BY `t`.`id` ORDER BY `t`.`__framehouse_position` ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS `__framehouse_number`, anyLast(toNullable(`t`.`price`)) OVER (PARTITION BY `t`.`id` ORDER BY `t`.`__framehouse_position` ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS `__framehouse_previous_0`
 FROM (SELECT `t`.`__framehouse_bucket` AS `__framehouse_bucket`, `t`.`id` AS `id`, `t`.`price` AS `price`, intDiv(minus(`t`.`__framehouse_bucket`, {p8:Int64}), {p9:Int64}) AS `__framehouse_position`
 FROM (SELECT plus(multiply(`t`.`__framehouse_key`, {p10:Int64}), {p11:Int64}) AS `__framehouse_bucket`, `t`.`id` AS `id`, reinterpretAsFloat64(bitXor(toInt64(maxIfOrNull(plus(`t`.`__framehouse_order`, bitXor(reinterpretAsInt64(toFloat64(`t`.`price`)), bitAnd(bitShiftRight(reinterpretAsInt64(toFloat64(`t`.`price`)), 63), {p12:Int64}))), NOT (isNaN(`t`.`price`)))), bitAnd(bitShiftRight(toInt64(maxIfOrNull(plus(`t`.`__framehouse_order`, bitXor(reinterpretAsInt64(toFloat64(`t`.`price`)), bitAnd(bitShiftRight(reinterpretAsInt64(toFloat64(`t`.`price`)), 63), {p13:Int64}))), NOT (isNaN(`t`.`price`)))), 63), {p14:Int64}))) AS `price`
 FROM (SELECT intDiv(minus(toInt64(CAST(`t`.`time`, 'DateTime')), {p15:Int64}), {p16:Int64}) AS `__framehouse_key`, bitShiftLeft(toInt128(toInt64(CAST(`t`.`time`, 'DateTime'))), 64) AS `__framehouse_order`, `t`.`id` AS `id`, `t`.`price` AS `price` FROM `db`.`ticks` AS `t` WHERE `t`.`time` >= {p17:DateTime('UTC')} AND `t`.`time` < {p18:DateTime('UTC')}) AS `t` GROUP BY `t`.`__framehouse_key`, `t`.`id`) AS `t`) AS `t`) AS `t`) AS `t`) AS `t`) AS `t`) AS `t`) AS `t`) AS `t`) AS `t` ORDER BY `t`.`time` DESC, `t`.`id` DESC LIMIT 11
p0 Int64 1704117600
p1 Int64 3600
p2 Int64 1000000
p3 Int64 1000001
p4 Int64 0
p5 Int64 10
p6 Int64 10
p7 Int64 34
p8 Int64 1704117600
p9 Int64 3600
p10 Int64 3600
p11 Int64 1704117600
p12 Int64 9223372036854775807
p13 Int64 9223372036854775807
p14 Int64 9223372036854775807
p15 Int64 1704117600
p16 Int64 3600
p17 DateTime('UTC') 2024-01-01 14:00:00
p18 DateTime('UTC') 2024-01-03 00:00:00
allow_custom_error_code_in_throwif = 1
