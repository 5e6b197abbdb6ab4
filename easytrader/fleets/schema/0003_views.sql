-- 给人用 SQL 查的：谁看得见哪些账号，照 member；说明（COMMENT）就是文档里的表。

-- 命令的参数，读不懂的为空：一行写坏了，别的照样查得到
CREATE FUNCTION fleet.as_json(text_in text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN text_in::jsonb;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END $$;
COMMENT ON FUNCTION fleet.as_json(text) IS 'agent strategy operator audit: 文字 → JSON，读不懂的为空';

-- 数，或 {"$": "decimal", "v": "1.5"}
CREATE FUNCTION fleet.as_number(value_in jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN x ~ '^-?[0-9]{1,30}(\.[0-9]{1,30})?$' THEN x::numeric END
    FROM (SELECT CASE jsonb_typeof(value_in) WHEN 'object' THEN value_in ->> 'v'
                 ELSE value_in #>> '{}' END AS x) one
$$;
COMMENT ON FUNCTION fleet.as_number(jsonb) IS 'agent strategy operator audit: JSON 的数，不是数的为空';

CREATE VIEW fleet.v_accounts WITH (security_barrier) AS
SELECT a.account_id AS account, a.broker, a.groups,
       CASE WHEN a.ended_at IS NULL THEN a.box ELSE '' END AS box,
       a.epoch, coalesce(a.ended_at IS NULL AND h.lease_until > clock_timestamp(), false) AS alive,
       least(a.ended_at, h.lease_until) AS lease_until, a.takeover, a.takeover_to, a.protocol,
       a.address, a.login, t.first_no, t.last_no, fleet.as_json(f.glance) AS glance, f.glance_at
FROM fleet.account a
LEFT JOIN fleet.holder h ON h.owner = a.owner
LEFT JOIN fleet.tail t ON t.account_id = a.account_id
LEFT JOIN fleet.face f ON f.account_id = a.account_id
WHERE a.account_id IN (SELECT fleet.visible('read'));
COMMENT ON VIEW fleet.v_accounts IS 'strategy operator audit: 账号：归哪台机器、租约、一眼看到的样子';
COMMENT ON COLUMN fleet.v_accounts.account IS '账号在队里的名字';
COMMENT ON COLUMN fleet.v_accounts.broker IS '后端';
COMMENT ON COLUMN fleet.v_accounts.groups IS '在哪几组';
COMMENT ON COLUMN fleet.v_accounts.box IS '主人在哪台机器；没有主人为空';
COMMENT ON COLUMN fleet.v_accounts.epoch IS '第几任主人';
COMMENT ON COLUMN fleet.v_accounts.alive IS '租约没有过期';
COMMENT ON COLUMN fleet.v_accounts.lease_until IS '租约到什么时候';
COMMENT ON COLUMN fleet.v_accounts.takeover IS 'manual 换机器要人点头，auto 过期了就能接';
COMMENT ON COLUMN fleet.v_accounts.takeover_to IS '指定给哪台机器接；没有为空';
COMMENT ON COLUMN fleet.v_accounts.protocol IS '主人说的是第几版';
COMMENT ON COLUMN fleet.v_accounts.address IS '主人自己的网址，停单用';
COMMENT ON COLUMN fleet.v_accounts.login IS '主人的登录名';
COMMENT ON COLUMN fleet.v_accounts.first_no IS '留着的最早一条事件的编号';
COMMENT ON COLUMN fleet.v_accounts.last_no IS '最近一条事件的编号';
COMMENT ON COLUMN fleet.v_accounts.glance IS '资金、委托数、待传的事件数，JSON，代理几秒写一次';
COMMENT ON COLUMN fleet.v_accounts.glance_at IS '什么时候写的';

CREATE VIEW fleet.v_commands WITH (security_barrier) AS
SELECT c.account_id AS account, c.command_id, c.command_no, c.attempt, c.request, c.verb, c.effect,
       fleet.as_json(c.arguments) AS arguments, c.strategy, c.login, c.host, c.state, c.reason,
       c.epoch, c.order_id, fleet.as_json(nullif(c.answer, '')) AS answer, c.valid_until,
       c.created_at, c.claimed_at, c.settled_at
FROM fleet.command c
WHERE c.account_id IN (SELECT fleet.visible('read'));
COMMENT ON VIEW fleet.v_commands IS 'strategy operator audit: 策略要做的每一件事，一行一件';
COMMENT ON COLUMN fleet.v_commands.account IS '账号';
COMMENT ON COLUMN fleet.v_commands.command_id IS '同一个账号里唯一的编号：client_order_id；撤单、转账是请求号';
COMMENT ON COLUMN fleet.v_commands.command_no IS '全队的流水号，会有缺的';
COMMENT ON COLUMN fleet.v_commands.attempt IS '同一个编号第几次';
COMMENT ON COLUMN fleet.v_commands.request IS '这一次的请求号';
COMMENT ON COLUMN fleet.v_commands.verb IS '动词：buy、cancel_entrust……';
COMMENT ON COLUMN fleet.v_commands.effect IS 'order 委托、cancel 撤单、move 转账等';
COMMENT ON COLUMN fleet.v_commands.arguments IS '参数，JSON：args、kwargs';
COMMENT ON COLUMN fleet.v_commands.strategy IS '策略名；没有为空';
COMMENT ON COLUMN fleet.v_commands.login IS '谁要的：登录名';
COMMENT ON COLUMN fleet.v_commands.host IS '哪个进程在等';
COMMENT ON COLUMN fleet.v_commands.state IS 'queued sending unknown placed done refused unsent absent';
COMMENT ON COLUMN fleet.v_commands.reason IS '没有发出的为什么：expired withdrawn guard switch……；由人定的 operator';
COMMENT ON COLUMN fleet.v_commands.epoch IS '领走它的是第几任主人；没有领走为 0';
COMMENT ON COLUMN fleet.v_commands.order_id IS '委托编号；没有为空';
COMMENT ON COLUMN fleet.v_commands.answer IS '结果或错误，JSON；还没有为 NULL';
COMMENT ON COLUMN fleet.v_commands.valid_until IS '过了就不发';
COMMENT ON COLUMN fleet.v_commands.created_at IS '记下的时刻（服务器的钟，下同）';
COMMENT ON COLUMN fleet.v_commands.claimed_at IS '代理领走的时刻';
COMMENT ON COLUMN fleet.v_commands.settled_at IS '有了结果的时刻';

CREATE VIEW fleet.v_orders WITH (security_barrier) AS
SELECT c.account_id AS account, c.command_id AS client_order_id, c.command_no, c.strategy, c.login,
       c.verb, coalesce(j.a -> 'kwargs' ->> 'security', j.a -> 'args' ->> 0) AS security,
       fleet.as_number(coalesce(j.a -> 'kwargs' -> 'price',
           CASE WHEN c.verb !~ 'market' THEN j.a -> 'args' -> 1 END)) AS price,
       fleet.as_number(coalesce(j.a -> 'kwargs' -> 'amount',
           j.a -> 'args' -> CASE WHEN c.verb ~ 'market' THEN 1 ELSE 2 END)) AS amount,
       c.state, c.reason, c.order_id, c.created_at, c.settled_at,
       extract(epoch FROM c.settled_at - c.created_at)::numeric(12, 4) AS took_s
FROM fleet.command c CROSS JOIN LATERAL (SELECT fleet.as_json(c.arguments) AS a) j
WHERE c.effect = 'order' AND c.account_id IN (SELECT fleet.visible('read'));
COMMENT ON VIEW fleet.v_orders IS 'strategy operator audit: 委托：代码、价格、数量拆开，够对账用';
COMMENT ON COLUMN fleet.v_orders.account IS '账号';
COMMENT ON COLUMN fleet.v_orders.client_order_id IS '委托的编号';
COMMENT ON COLUMN fleet.v_orders.command_no IS '全队的流水号';
COMMENT ON COLUMN fleet.v_orders.strategy IS '策略名；没有为空';
COMMENT ON COLUMN fleet.v_orders.login IS '谁要的：登录名';
COMMENT ON COLUMN fleet.v_orders.verb IS '动词：buy、sell、market_buy……';
COMMENT ON COLUMN fleet.v_orders.security IS '证券代码，照策略写的';
COMMENT ON COLUMN fleet.v_orders.price IS '委托价格，元；市价的为 NULL';
COMMENT ON COLUMN fleet.v_orders.amount IS '委托数量，股（份、张）';
COMMENT ON COLUMN fleet.v_orders.state IS '同 v_commands';
COMMENT ON COLUMN fleet.v_orders.reason IS '同 v_commands';
COMMENT ON COLUMN fleet.v_orders.order_id IS '柜台的委托编号；没有为空';
COMMENT ON COLUMN fleet.v_orders.created_at IS '记下的时刻';
COMMENT ON COLUMN fleet.v_orders.settled_at IS '有了结果的时刻';
COMMENT ON COLUMN fleet.v_orders.took_s IS '从记下到有结果，秒';

CREATE VIEW fleet.v_events WITH (security_barrier) AS
SELECT e.account_id AS account, e.event_no, e.day, e.kind, fleet.as_json(e.data) AS data,
       e.command_id, e.at
FROM fleet.event e
WHERE e.account_id IN (SELECT fleet.visible('read'));
COMMENT ON VIEW fleet.v_events IS 'strategy operator audit: 账号的事件，只添不改；查的时候写上 day';
COMMENT ON COLUMN fleet.v_events.account IS '账号';
COMMENT ON COLUMN fleet.v_events.event_no IS '这个账号从 1 起、没有缺的编号';
COMMENT ON COLUMN fleet.v_events.day IS '哪一天（北京时间）';
COMMENT ON COLUMN fleet.v_events.kind IS '种类：order、trade……，或报警';
COMMENT ON COLUMN fleet.v_events.data IS '内容，JSON：event、event_name、time、data';
COMMENT ON COLUMN fleet.v_events.command_id IS '说的是哪条命令；没有为空';
COMMENT ON COLUMN fleet.v_events.at IS '记下的时刻';

CREATE VIEW fleet.v_alarms WITH (security_barrier) AS
SELECT e.account_id AS account, e.event_no, e.day, e.kind, fleet.as_json(e.data) AS data,
       e.command_id, e.at
FROM fleet.event e
WHERE e.kind IN ('duplicate', 'late_order', 'stale_lease', 'spool_full', 'stranger', 'clock')
  AND e.account_id IN (SELECT fleet.visible('read'));
COMMENT ON VIEW fleet.v_alarms IS 'strategy operator audit: 要人看的事件';
COMMENT ON COLUMN fleet.v_alarms.account IS '账号';
COMMENT ON COLUMN fleet.v_alarms.event_no IS '事件的编号';
COMMENT ON COLUMN fleet.v_alarms.day IS '哪一天（北京时间）';
COMMENT ON COLUMN fleet.v_alarms.kind IS
    'duplicate 一个标记两笔、late_order 说过没有的又出现、stale_lease、spool_full、stranger 别处下的、clock';
COMMENT ON COLUMN fleet.v_alarms.data IS '内容，JSON';
COMMENT ON COLUMN fleet.v_alarms.command_id IS '说的是哪条命令；没有为空';
COMMENT ON COLUMN fleet.v_alarms.at IS '记下的时刻';

CREATE VIEW fleet.v_switches WITH (security_barrier) AS
SELECT s.scope, s.cancel_open, s.why, s.by_login, s.at FROM fleet.switch s;
COMMENT ON VIEW fleet.v_switches IS 'strategy operator audit: 此刻开着的停单开关';
COMMENT ON COLUMN fleet.v_switches.scope IS 'fleet、group:组、account:账号、strategy:策略';
COMMENT ON COLUMN fleet.v_switches.cancel_open IS '连同挂着的一起撤';
COMMENT ON COLUMN fleet.v_switches.why IS '为什么';
COMMENT ON COLUMN fleet.v_switches.by_login IS '谁按的';
COMMENT ON COLUMN fleet.v_switches.at IS '什么时候';

CREATE VIEW fleet.v_budgets WITH (security_barrier) AS
SELECT b.scope, b.kind, b.allowed, t.day, t.amount AS taken
FROM fleet.budget b LEFT JOIN fleet.taken t USING (scope, kind);
COMMENT ON VIEW fleet.v_budgets IS 'operator audit: 额度，一天一行';
COMMENT ON COLUMN fleet.v_budgets.scope IS '同 v_switches';
COMMENT ON COLUMN fleet.v_budgets.kind IS 'orders 笔、yuan 元';
COMMENT ON COLUMN fleet.v_budgets.allowed IS '一天最多多少（现在的设置）';
COMMENT ON COLUMN fleet.v_budgets.day IS '哪一天；没有领过为 NULL';
COMMENT ON COLUMN fleet.v_budgets.taken IS '那一天各台机器领走多少，领了没有用的也在内';

CREATE VIEW fleet.v_logins WITH (security_barrier) AS
SELECT m.login, m.account_id AS account, m.may FROM fleet.member m;
COMMENT ON VIEW fleet.v_logins IS 'operator audit: 哪个登录名管得到哪个账号';
COMMENT ON COLUMN fleet.v_logins.login IS '登录名';
COMMENT ON COLUMN fleet.v_logins.account IS '账号；* 是全部';
COMMENT ON COLUMN fleet.v_logins.may IS 'read trade funds；代理 agent，管的人 operate';

CREATE VIEW fleet.v_audit WITH (security_barrier) AS
SELECT x.audit_no, x.at, x.login, x.action, x.scope, x.data FROM fleet.audit x;
COMMENT ON VIEW fleet.v_audit IS 'operator audit: 留底：谁改了什么，只添不改，连主人也改不了';
COMMENT ON COLUMN fleet.v_audit.audit_no IS '流水号，会有缺的（没有做成的）';
COMMENT ON COLUMN fleet.v_audit.at IS '什么时候';
COMMENT ON COLUMN fleet.v_audit.login IS '谁：登录名';
COMMENT ON COLUMN fleet.v_audit.action IS 'switch 开关、budget 额度、take_over 交接、owner 换主人、member 权限、decide 由人定';
COMMENT ON COLUMN fleet.v_audit.scope IS '哪一格、哪个账号';
COMMENT ON COLUMN fleet.v_audit.data IS '改之前 was、改之后 now，JSON；decide 的是哪条命令、为什么';

CREATE VIEW fleet.v_switch_log WITH (security_barrier) AS
SELECT x.at, x.login, x.scope, x.data ? 'now' AS stopped,
       coalesce(x.data -> 'now' ->> 'why', '') AS why,
       coalesce((x.data -> 'now' ->> 'cancel_open')::boolean, false) AS cancel_open
FROM fleet.audit x WHERE x.action = 'switch';
COMMENT ON VIEW fleet.v_switch_log IS 'operator audit: 停单开关按过的每一次';
COMMENT ON COLUMN fleet.v_switch_log.at IS '什么时候';
COMMENT ON COLUMN fleet.v_switch_log.login IS '谁按的';
COMMENT ON COLUMN fleet.v_switch_log.scope IS '哪一格';
COMMENT ON COLUMN fleet.v_switch_log.stopped IS '停为真，放开为假';
COMMENT ON COLUMN fleet.v_switch_log.why IS '为什么；放开的为空';
COMMENT ON COLUMN fleet.v_switch_log.cancel_open IS '连同挂着的一起撤';
