-- 表，与每一笔委托都要经过的函数。
--
-- 规矩：
-- * 谁也不直接写表；函数是主人的（SECURITY DEFINER），认的是 session_user，search_path 钉死。
-- * 钟只有一个：clock_timestamp()。客户端给的期限是「存储的钟的某个时刻」，迟到的不做。
-- * 咨询锁：71001 一个账号归谁管（领、结算拿共享的，换主人拿独占的）；71002 一个请求
--   （post 与 withdraw 排队）；71003 一个主人睡了没有（post 拿共享的，要睡的拿独占的）。
-- * 反复调用的都是 plpgsql：SQL 函数不并进去的，每次调用都重新解析、规划。
-- * 计划不看统计（表刚建好时的统计会让它扫整张表）：只规划一次，不许顺着扫。
-- * 没有 SET 的是里面用的：谁也不能直接调用，用的是外面钉死的 search_path。
-- * 错误：FT001 参数不对（COLUMN 参数名，DETAIL 给的值，MESSAGE 正确的写法）；
--   FT002 租约不是自己的；FT003 迟到或作废，什么都没有记。
-- * 说明（COMMENT）冒号前面是哪几种身份能调用，- 是里面用的。

CREATE TABLE member (
    login text NOT NULL,
    account_id text NOT NULL,
    may text[] NOT NULL,
    PRIMARY KEY (login, account_id)
);

-- 代理的一个进程：租约一份，续一次是改一行
CREATE TABLE holder (
    owner text PRIMARY KEY,
    box text NOT NULL,
    login text NOT NULL,
    lease_until timestamptz NOT NULL,
    idle boolean NOT NULL DEFAULT false
) WITH (fillfactor = 20);

-- 归谁管；只有换主人的时候改
CREATE TABLE account (
    account_id text PRIMARY KEY,
    broker text NOT NULL,
    groups text[] NOT NULL,
    box text NOT NULL,
    epoch integer NOT NULL,
    owner text NOT NULL,
    login text NOT NULL,
    ended_at timestamptz,
    quiet_at timestamptz NOT NULL,
    takeover text NOT NULL CHECK (takeover IN ('manual', 'auto')),
    takeover_to text NOT NULL DEFAULT '',
    protocol integer NOT NULL,
    address text NOT NULL DEFAULT ''
) WITH (fillfactor = 50);

-- 最近一条事件的编号：行锁到提交，所以没有缺号、照提交的先后
CREATE TABLE tail (
    account_id text PRIMARY KEY,
    last_no bigint NOT NULL DEFAULT 0,
    first_no bigint NOT NULL DEFAULT 1
) WITH (fillfactor = 20);

-- 一眼看到的样子
CREATE TABLE face (
    account_id text PRIMARY KEY,
    hello text NOT NULL DEFAULT '',
    glance text NOT NULL DEFAULT '',
    glance_at timestamptz
) WITH (fillfactor = 50);

CREATE TABLE command (
    account_id text NOT NULL,
    command_id text NOT NULL,
    command_no bigint GENERATED ALWAYS AS IDENTITY,
    request text NOT NULL,
    verb text NOT NULL,
    effect text NOT NULL CHECK (effect IN ('order', 'cancel', 'move')),
    arguments text NOT NULL,
    digest text NOT NULL,
    strategy text NOT NULL,
    host text NOT NULL,
    limits text NOT NULL,
    login text NOT NULL,
    may text[] NOT NULL,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN (
        'queued', 'sending', 'unknown', 'placed', 'done', 'refused', 'unsent', 'absent')),
    reason text NOT NULL DEFAULT '',
    epoch integer NOT NULL DEFAULT 0,
    attempt integer NOT NULL DEFAULT 1,
    order_id text NOT NULL DEFAULT '',
    answer text NOT NULL DEFAULT '',
    seq bigint,
    valid_until timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    claimed_at timestamptz,
    settled_at timestamptz,
    -- 编号在前：只给账号的查询就用不上它（会走遍整个账号的历史），只剩下面的部分索引
    PRIMARY KEY (command_id, account_id),
    CONSTRAINT command_no_once UNIQUE (command_no),
    CONSTRAINT command_request_once UNIQUE (request)
) WITH (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_analyze_scale_factor = 0.02
);
-- 等着领的：撤单（false）排在前面
CREATE INDEX command_queued ON command (account_id, (effect <> 'cancel'), command_no)
    WHERE state = 'queued';
CREATE INDEX command_taken ON command (account_id, command_no)
    WHERE state IN ('sending', 'unknown');

-- 同一个编号从前的几次：迟到的请求认得出来，查得到
CREATE TABLE past (
    LIKE command,
    PRIMARY KEY (account_id, command_id, attempt),
    CONSTRAINT past_request_once UNIQUE (request)
);

CREATE TABLE tombstone (
    request text PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE spool_mark (
    account_id text NOT NULL,
    spool text NOT NULL,
    upto bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (account_id, spool)
) WITH (fillfactor = 50);

CREATE TABLE event (
    account_id text NOT NULL,
    event_no bigint NOT NULL,
    day date NOT NULL,
    kind text NOT NULL,
    data text NOT NULL,
    command_id text NOT NULL,
    spool text NOT NULL,
    spool_no bigint NOT NULL,
    at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (account_id, event_no, day)
) PARTITION BY RANGE (day);
CREATE TABLE event_rest PARTITION OF event DEFAULT;

-- 存储倒了就没有了：问的人再问
CREATE UNLOGGED TABLE question (
    number bigint PRIMARY KEY,
    account_id text NOT NULL,
    verb text NOT NULL,
    arguments text NOT NULL,
    host text NOT NULL,
    login text NOT NULL,
    may text[] NOT NULL,
    asked_at timestamptz NOT NULL,
    until timestamptz NOT NULL,
    taken boolean NOT NULL DEFAULT false,
    answer text
) WITH (fillfactor = 50);
CREATE INDEX question_open ON question (account_id, asked_at) WHERE NOT taken;

CREATE TABLE budget (
    scope text NOT NULL,
    kind text NOT NULL,
    allowed bigint NOT NULL CHECK (allowed >= 0),
    PRIMARY KEY (scope, kind)
);
CREATE TABLE taken (
    scope text NOT NULL,
    kind text NOT NULL,
    day date NOT NULL,
    amount bigint NOT NULL,
    PRIMARY KEY (scope, kind, day)
) WITH (fillfactor = 20);
CREATE TABLE draw (
    scope text NOT NULL,
    kind text NOT NULL,
    day date NOT NULL,
    host text NOT NULL,
    amount bigint NOT NULL,
    PRIMARY KEY (scope, kind, day, host)
) WITH (fillfactor = 50);

CREATE TABLE switch (
    scope text PRIMARY KEY,
    cancel_open boolean NOT NULL,
    why text NOT NULL,
    by_login text NOT NULL,
    at timestamptz NOT NULL
);

CREATE TABLE note (
    login text NOT NULL,
    name text NOT NULL,
    text text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (login, name)
);

-- ---- 权限：下一个文件换成认真的

CREATE FUNCTION may(account_in text, scope_in text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = fleet, pg_temp
AS $$ SELECT true $$;
COMMENT ON FUNCTION may IS '-: 这个登录名在这个账号上有没有这个权限';

CREATE FUNCTION has_role(role_in text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = fleet, pg_temp
AS $$ SELECT true $$;
COMMENT ON FUNCTION has_role IS '-: 这个登录名有没有这种身份';

CREATE FUNCTION operates(scope_in text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = fleet, pg_temp
AS $$ SELECT has_role('operator') $$;
COMMENT ON FUNCTION operates IS '-: 这个登录名管不管得了这一格';

-- ---- 里面用的

CREATE FUNCTION begin_write(durable_in boolean) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    -- 服务器的默认可以是 off：要落盘的到提交为止都不许
    IF NOT durable_in THEN
        PERFORM set_config('synchronous_commit', 'off', true);
    ELSIF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    PERFORM set_config('lock_timeout', '500ms', true);
END $$;
COMMENT ON FUNCTION begin_write IS '-: 这个事务落不落盘；锁最多等半秒';

CREATE FUNCTION refuse(argument_in text, value_in text, expected_in text) RETURNS void
LANGUAGE plpgsql SET search_path = fleet, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'FT001', MESSAGE = expected_in,
        COLUMN = argument_in, DETAIL = value_in;
END $$;
COMMENT ON FUNCTION refuse IS '-: 参数不对';

CREATE FUNCTION need_role(role_in text) RETURNS void
LANGUAGE plpgsql SET search_path = fleet, pg_temp
AS $$
BEGIN
    IF NOT has_role(role_in) THEN
        PERFORM refuse('dsn', session_user::text, format(
            '登录名 %s 没有 %s 这种身份；让管理员 easytrader fleet login add', session_user, role_in));
    END IF;
END $$;
COMMENT ON FUNCTION need_role IS '-: 没有这种身份就停';

CREATE FUNCTION scopes(account_in text) RETURNS text[]
LANGUAGE plpgsql STABLE
AS $$ BEGIN RETURN ARRAY(
    SELECT s FROM unnest('{read,trade,funds}'::text[]) WITH ORDINALITY AS x(s, n)
    WHERE may(account_in, s) ORDER BY n); END $$;
COMMENT ON FUNCTION scopes IS '-: 这个登录名在这个账号上的权限';

CREATE FUNCTION today() RETURNS date
LANGUAGE sql STABLE
AS $$ SELECT (clock_timestamp() AT TIME ZONE 'Asia/Shanghai')::date $$;
COMMENT ON FUNCTION today IS '-: 今天（北京）';

CREATE FUNCTION timeline() RETURNS text
LANGUAGE plpgsql STABLE SET search_path = fleet, pg_temp
AS $$
DECLARE v_told text;
BEGIN
    SELECT (pg_control_system()).system_identifier::text
        || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())
        || '/' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) INTO v_told;
    RETURN v_told;
EXCEPTION WHEN insufficient_privilege OR undefined_function OR feature_not_supported THEN
    RETURN (SELECT oid::text FROM pg_database WHERE datname = current_database());
END $$;
COMMENT ON FUNCTION timeline IS '-: 主备切换、恢复了备份就不同';

CREATE FUNCTION open_months(ahead_in integer) RETURNS void
LANGUAGE plpgsql SET search_path = fleet, pg_temp
AS $$
DECLARE v_month date;
BEGIN
    FOR i IN 0..ahead_in LOOP
        v_month := (date_trunc('month', today()) + make_interval(months => i))::date;
        IF to_regclass('event_' || to_char(v_month, 'YYYYMM')) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF event FOR VALUES FROM (%L) TO (%L)',
                'event_' || to_char(v_month, 'YYYYMM'), v_month,
                (v_month + interval '1 month')::date);
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION open_months IS '-: 建好这个月与往后几个月的分区';
SELECT open_months(3);

-- 说自己是主人的那几个里，真的是的。没有 SET：并进调用它的语句里，用那里钉死的 search_path
CREATE FUNCTION mine(accounts_in text[], epochs_in integer[], owners_in text[])
RETURNS SETOF account
LANGUAGE sql STABLE
AS $$
    SELECT a.*
    FROM unnest(accounts_in, epochs_in, owners_in) AS l(account_id, epoch, owner)
    JOIN account a USING (account_id)
    WHERE a.epoch = l.epoch AND a.owner = l.owner AND a.login = session_user
$$;
COMMENT ON FUNCTION mine IS '-: 还归自己的账号';

CREATE FUNCTION has_work(accounts_in text[]) RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM command WHERE state = 'queued' AND account_id = ANY (accounts_in))
        OR EXISTS (SELECT FROM question WHERE NOT taken AND account_id = ANY (accounts_in)
            AND until > clock_timestamp());
END $$;
COMMENT ON FUNCTION has_work IS '-: 有没有要领的命令、要答的问题';

-- 睡了的主人在哪台机器；先拿共享的锁：正要睡的等我提交，就看得见我
CREATE FUNCTION whom(owner_in text) RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE v_box text;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(71003, hashtext(owner_in));
    SELECT box INTO v_box FROM holder WHERE owner = owner_in AND idle;
    RETURN coalesce(v_box, '');
END $$;
COMMENT ON FUNCTION whom IS '-: 该叫醒谁；醒着的为空';

-- 开着的开关里管着这一条的：「哪一格：为什么」；没有为 NULL
CREATE FUNCTION stopped_by(stops_in text[], account_in text, strategy_in text) RETURNS text
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (SELECT s.scope || CASE WHEN s.why = '' THEN '' ELSE '：' || s.why END
        FROM switch s, account a
        WHERE a.account_id = account_in AND s.scope = ANY (stops_in) AND (
            s.scope IN ('fleet', 'account:' || account_in)
            OR (strategy_in <> '' AND s.scope = 'strategy:' || strategy_in)
            OR s.scope IN (SELECT 'group:' || g FROM unnest(a.groups) g))
        ORDER BY s.scope LIMIT 1);
END $$;
COMMENT ON FUNCTION stopped_by IS '-: 哪一格开关管着这一条';

-- ---- 打招呼

CREATE FUNCTION greet(
    OUT identity text, OUT timeline text, OUT login text, OUT roles text[], OUT now float8,
    OUT kind text, OUT standby boolean, OUT protocol integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
BEGIN
    standby := pg_is_in_recovery();
    identity := (SELECT i.id::text FROM fleet.identity i);
    timeline := CASE WHEN standby THEN '' ELSE fleet.timeline() END;
    login := session_user;
    roles := ARRAY(SELECT r FROM unnest(ARRAY['agent', 'strategy', 'operator', 'audit']) r
        WHERE has_role(r));
    kind := 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1);
    protocol := 1;
    now := extract(epoch FROM clock_timestamp());
END $$;
COMMENT ON FUNCTION greet IS 'agent strategy operator audit: 第一句话';

-- ---- 策略

CREATE FUNCTION post(
    account_in text, command_in text, request_in text, verb_in text, effect_in text,
    arguments_in text, digest_in text, until_in float8, strategy_in text, host_in text,
    limits_in text, OUT command command, OUT fresh boolean, OUT box text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
DECLARE v_may text[]; v_owner text; v_until timestamptz := to_timestamp(until_in);
BEGIN
    PERFORM begin_write(true);
    v_may := scopes(account_in);
    SELECT owner INTO v_owner FROM account WHERE account_id = account_in;
    IF NOT FOUND OR NOT v_may && '{trade,funds}' THEN
        PERFORM refuse('account', account_in, format(
            '没有这个账号，或登录名 %s 不许在上面下单；easytrader fleet status 看有哪些', session_user));
    END IF;
    -- 同一个请求的 withdraw 与它排队；下面每一句都看得见先提交的
    PERFORM pg_advisory_xact_lock(71002, hashtext(request_in));
    fresh := false;
    box := '';
    SELECT * INTO command FROM command c
        WHERE c.account_id = account_in AND c.command_id = command_in FOR UPDATE;
    IF FOUND AND command.request = request_in THEN
        RETURN;
    END IF;
    IF command.attempt > 1 AND EXISTS (SELECT FROM past p
            WHERE p.request = request_in AND p.account_id = account_in) THEN
        SELECT p.* INTO command FROM past p WHERE p.request = request_in;
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM tombstone t WHERE t.request = request_in) THEN
        RAISE EXCEPTION USING ERRCODE = 'FT003', MESSAGE = '这个请求作废过了';
    END IF;
    IF clock_timestamp() > v_until AND NOT (command.digest <> digest_in) IS TRUE THEN
        RAISE EXCEPTION USING ERRCODE = 'FT003', MESSAGE = '路上耽搁得过了有效的时间';
    END IF;
    IF command.command_id IS NULL THEN
        INSERT INTO command AS c (account_id, command_id, request, verb, effect, arguments, digest,
            strategy, host, limits, login, may, valid_until)
        VALUES (account_in, command_in, request_in, verb_in, effect_in, arguments_in, digest_in,
            strategy_in, host_in, limits_in, session_user, v_may, v_until)
        ON CONFLICT (account_id, command_id) DO NOTHING
        RETURNING * INTO command;
        fresh := FOUND;
        IF NOT fresh THEN  -- 别人同时记下了同一个编号
            SELECT * INTO command FROM command c
                WHERE c.account_id = account_in AND c.command_id = command_in FOR UPDATE;
        END IF;
    END IF;
    IF command.digest <> digest_in THEN
        PERFORM refuse('client_order_id', command_in,
            '这个编号记过一件别的事；换一个编号，或照原样再来（得到原来的结果）');
    END IF;
    IF NOT fresh AND command.state IN ('refused', 'unsent', 'absent') THEN
        INSERT INTO past SELECT c.* FROM command c
            WHERE c.account_id = account_in AND c.command_id = command_in;
        UPDATE command c SET request = request_in, arguments = arguments_in,
            strategy = strategy_in, host = host_in, limits = limits_in, login = session_user,
            may = v_may, state = 'queued', reason = '', epoch = 0, attempt = c.attempt + 1,
            order_id = '', answer = '', seq = NULL, valid_until = v_until,
            created_at = clock_timestamp(), claimed_at = NULL, settled_at = NULL
        WHERE c.account_id = account_in AND c.command_id = command_in
        RETURNING * INTO command;
        fresh := true;
    END IF;
    IF fresh THEN
        box := whom(v_owner);
    END IF;
END $$;
COMMENT ON FUNCTION post IS 'strategy: 记下一条命令';

CREATE FUNCTION withdraw(account_in text, request_in text) RETURNS SETOF command
LANGUAGE plpgsql SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
DECLARE v_row command;
BEGIN
    PERFORM begin_write(true);
    IF NOT scopes(account_in) && '{trade,funds}' OR NOT EXISTS (
        SELECT FROM account WHERE account_id = account_in) THEN
        PERFORM refuse('account', account_in, format(
            '没有这个账号，或登录名 %s 不许在上面下单；easytrader fleet status 看有哪些', session_user));
    END IF;
    PERFORM pg_advisory_xact_lock(71002, hashtext(request_in));
    SELECT * INTO v_row FROM command
        WHERE request = request_in AND account_id = account_in FOR UPDATE;
    IF NOT FOUND THEN
        SELECT p.* INTO v_row FROM past p
            WHERE p.request = request_in AND p.account_id = account_in;
        IF FOUND THEN
            RETURN NEXT v_row;
            RETURN;
        END IF;
        INSERT INTO tombstone (request) VALUES (request_in) ON CONFLICT DO NOTHING;
        RETURN;
    END IF;
    IF v_row.state = 'queued' THEN
        UPDATE command SET state = 'unsent', reason = 'withdrawn', settled_at = clock_timestamp()
        WHERE request = request_in RETURNING * INTO v_row;
    END IF;
    RETURN NEXT v_row;
END $$;
COMMENT ON FUNCTION withdraw IS 'strategy: 不要了';

CREATE FUNCTION outcomes(numbers_in bigint[]) RETURNS SETOF command
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT * FROM command
    WHERE command_no = ANY (numbers_in) AND (login = session_user OR may(account_id, 'read'));
END $$;
COMMENT ON FUNCTION outcomes IS 'strategy operator: 这几条此刻的样子';

CREATE FUNCTION find(account_in text, command_in text) RETURNS SETOF command
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT * FROM command
    WHERE account_id = account_in AND command_id = command_in AND may(account_in, 'read');
END $$;
COMMENT ON FUNCTION find IS 'strategy agent operator: 这个编号的那一条';

CREATE FUNCTION ask(
    account_in text, verb_in text, arguments_in text, host_in text, until_in float8,
    OUT number bigint, OUT box text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
DECLARE v_may text[] := scopes(account_in); v_owner text;
BEGIN
    PERFORM begin_write(false);
    SELECT owner INTO v_owner FROM account WHERE account_id = account_in;
    IF NOT FOUND OR NOT v_may && '{read}' THEN
        PERFORM refuse('account', account_in, format(
            '没有这个账号，或登录名 %s 看不得；easytrader fleet status 看有哪些', session_user));
    END IF;
    IF clock_timestamp() > to_timestamp(until_in) THEN
        RAISE EXCEPTION USING ERRCODE = 'FT003', MESSAGE = '路上耽搁得过了有效的时间';
    END IF;
    -- 不用序列：没有落盘的序列倒了会倒回去，拿到别人的回答
    number := floor(random() * 9007199254740992)::bigint;
    INSERT INTO question (number, account_id, verb, arguments, host, login, may, asked_at, until)
    VALUES (number, account_in, verb_in, arguments_in, host_in, session_user, v_may,
        clock_timestamp(), to_timestamp(until_in));
    box := whom(v_owner);
END $$;
COMMENT ON FUNCTION ask IS 'strategy operator: 问一句';

CREATE FUNCTION replies(numbers_in bigint[], OUT number bigint, OUT answer text)
RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
BEGIN
    PERFORM begin_write(false);
    RETURN QUERY DELETE FROM question q
        WHERE q.number = ANY (numbers_in) AND q.answer IS NOT NULL AND q.login = session_user
        RETURNING q.number, q.answer;
END $$;
COMMENT ON FUNCTION replies IS 'strategy operator: 拿回答';

CREATE FUNCTION read(
    account_in text, after_in bigint, most_in integer, OUT event_no bigint, OUT kind text,
    OUT data text, OUT command_id text, OUT at float8) RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
BEGIN
    IF NOT may(account_in, 'read') THEN
        PERFORM refuse('account', account_in, format('登录名 %s 看不得这个账号', session_user));
    END IF;
    RETURN QUERY SELECT e.event_no, e.kind, e.data, e.command_id,
            extract(epoch FROM e.at)::float8
        FROM event e WHERE e.account_id = account_in AND e.event_no > after_in
        ORDER BY e.event_no LIMIT most_in;
END $$;
COMMENT ON FUNCTION read IS 'strategy agent operator audit: 事件，旧的在前';

CREATE FUNCTION accounts(
    names_in text[], OUT account_id text, OUT broker text, OUT groups text[], OUT box text,
    OUT epoch integer, OUT alive boolean, OUT lease_left_s float8, OUT takeover text,
    OUT takeover_to text, OUT protocol integer, OUT hello text, OUT glance text,
    OUT glance_age_s float8, OUT first_no bigint, OUT last_no bigint, OUT open bigint,
    OUT address text) RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT a.account_id, a.broker, a.groups, CASE WHEN a.ended_at IS NULL THEN a.box ELSE '' END,
        a.epoch, l.left_s > 0, l.left_s, a.takeover, a.takeover_to, a.protocol, f.hello, f.glance,
        coalesce(extract(epoch FROM clock_timestamp() - f.glance_at), 0)::float8,
        t.first_no, t.last_no,
        (SELECT count(*) FROM command c WHERE c.account_id = a.account_id AND c.state = 'queued')
        + (SELECT count(*) FROM command c
            WHERE c.account_id = a.account_id AND c.state IN ('sending', 'unknown')),
        a.address
    FROM account a JOIN tail t USING (account_id) JOIN face f USING (account_id)
    LEFT JOIN holder h USING (owner)
    CROSS JOIN LATERAL (SELECT extract(epoch FROM
        least(a.ended_at, h.lease_until) - clock_timestamp())::float8 AS left_s) l
    WHERE (names_in IS NULL OR a.account_id = ANY (names_in)) AND may(a.account_id, 'read')
    ORDER BY a.account_id;
END $$;
COMMENT ON FUNCTION accounts IS 'strategy agent operator audit: 看得见的账号';

CREATE FUNCTION bump(account_in text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
BEGIN
    RETURN (SELECT last_no FROM tail WHERE account_id = account_in AND may(account_in, 'read'));
END $$;
COMMENT ON FUNCTION bump IS 'strategy agent operator audit: 最近一条事件的编号';

CREATE FUNCTION keep(name_in text, text_in text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
BEGIN
    PERFORM begin_write(true);
    INSERT INTO note (login, name, text) VALUES (session_user, name_in, text_in)
        ON CONFLICT DO NOTHING;
    RETURN (SELECT n.text FROM note n WHERE n.login = session_user AND n.name = name_in);
END $$;
COMMENT ON FUNCTION keep IS 'strategy: 记一份写了就不再改的话';

-- ---- 代理

CREATE FUNCTION acquire(
    account_in text, owner_in text, box_in text, broker_in text, groups_in text[],
    takeover_in text, previous_in text, address_in text, protocol_in integer, ttl_in float8,
    quiet_in float8, send_by_in float8 DEFAULT 1, OUT got boolean, OUT epoch integer, OUT last_no bigint,
    OUT settle_after_s float8, OUT timeline text, OUT box text, OUT why text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
DECLARE
    v_row account;
    v_until timestamptz;
    v_quiet timestamptz;
    v_now timestamptz;
BEGIN
    PERFORM begin_write(true);
    IF NOT may(account_in, 'agent') THEN
        PERFORM refuse('account', account_in, format(
            '登录名 %s 不是这个账号的代理；easytrader fleet login add', session_user));
    END IF;
    -- 领到一半、结算到一半的先完
    PERFORM pg_advisory_xact_lock(71001, hashtext(account_in));
    SELECT * INTO v_row FROM account a WHERE a.account_id = account_in FOR UPDATE;
    IF NOT FOUND THEN
        v_now := clock_timestamp();
        v_quiet := v_now;
        epoch := 1;
        INSERT INTO account VALUES (account_in, broker_in, groups_in, box_in, 1, owner_in,
            session_user, NULL, v_quiet, takeover_in, '', protocol_in, address_in);
        INSERT INTO tail (account_id) VALUES (account_in);
        INSERT INTO face (account_id) VALUES (account_in);
    ELSE
        -- 正在续的等它续完，之后它看得见我接走了
        SELECT lease_until INTO v_until FROM holder WHERE owner = v_row.owner FOR UPDATE;
        v_now := clock_timestamp();
        got := false;
        box := v_row.box;
        IF v_row.takeover_to NOT IN ('', box_in) THEN
            why := format('指定给 %s 接', v_row.takeover_to);
            RETURN;
        END IF;
        IF v_row.owner <> owner_in AND NOT (v_row.owner = previous_in AND v_row.box = box_in)
            AND v_row.ended_at IS NULL AND v_row.takeover_to = '' AND v_until > v_now THEN
            why := format('%s%s 拿着，租约还有 %s 秒',
                CASE WHEN v_row.box = box_in THEN '另一台同名的机器 ' ELSE '' END, v_row.box,
                round(extract(epoch FROM v_until - v_now)::numeric, 1));
            RETURN;
        END IF;
        IF v_row.box <> box_in AND v_row.takeover_to <> box_in
            AND NOT (v_row.takeover = 'auto' AND takeover_in = 'auto') THEN
            why := format('一向在 %s，换机器要人点头：easytrader fleet take-over %s --box %s',
                v_row.box, account_in, box_in);
            RETURN;
        END IF;
        v_quiet := CASE WHEN v_row.owner = owner_in OR (v_row.owner = previous_in AND v_row.box = box_in)
            -- 自己的上一任肯定不发了；它还在等着的再上一任，接着等
            THEN CASE WHEN v_row.ended_at IS NULL THEN greatest(v_row.quiet_at, v_now) ELSE v_now END
            WHEN v_row.ended_at IS NOT NULL THEN v_row.quiet_at
            -- 钟往前拨过的，租约一下子就过期了：它不知道，手里的还会发
            ELSE greatest(v_row.quiet_at, v_until + make_interval(secs => quiet_in - ttl_in),
                v_now + make_interval(secs => send_by_in)) END;
        epoch := v_row.epoch + 1;
        UPDATE account a SET broker = broker_in, groups = groups_in, box = box_in,
            epoch = a.epoch + 1, owner = owner_in, login = session_user, ended_at = NULL,
            quiet_at = coalesce(v_quiet, v_now), takeover = takeover_in, takeover_to = '',
            protocol = protocol_in, address = address_in
        WHERE a.account_id = account_in;
        IF v_row.owner <> owner_in THEN  -- 最后一个账号也没有了的主人
            DELETE FROM holder h WHERE h.owner = v_row.owner
                AND NOT EXISTS (SELECT FROM account a WHERE a.owner = v_row.owner);
        END IF;
    END IF;
    INSERT INTO holder VALUES (owner_in, box_in, session_user,
        v_now + make_interval(secs => ttl_in), false)
    ON CONFLICT (owner) DO UPDATE SET lease_until = excluded.lease_until, idle = false
        WHERE holder.login = session_user;
    IF NOT FOUND THEN
        PERFORM refuse('owner', owner_in, '这个名字是别的登录名的');
    END IF;
    got := true;
    last_no := (SELECT t.last_no FROM tail t WHERE t.account_id = account_in);
    settle_after_s := greatest(0, extract(epoch FROM coalesce(v_quiet, v_now) - v_now));
    timeline := fleet.timeline();
END $$;
COMMENT ON FUNCTION acquire IS 'agent: 做一个账号的主人';

CREATE FUNCTION renew(
    accounts_in text[], epochs_in integer[], owners_in text[], ttl_in float8,
    OUT kept text[], OUT has_work boolean, OUT switches json, OUT now float8, OUT timeline text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
BEGIN
    PERFORM begin_write(false);
    -- 先改（拿到行锁）再看：正在接的要么等我，要么我看得见
    -- 一个账号都不归自己了的不续：不然获准接手的还要等它
    UPDATE holder h SET lease_until = clock_timestamp() + make_interval(secs => ttl_in)
    WHERE h.owner = ANY (owners_in) AND h.login = session_user
        AND EXISTS (SELECT FROM account a
            WHERE a.account_id = ANY (accounts_in) AND a.owner = h.owner AND a.ended_at IS NULL
                AND a.takeover_to IN ('', a.box));
    kept := ARRAY(SELECT m.account_id FROM mine(accounts_in, epochs_in, owners_in) m
        WHERE m.ended_at IS NULL AND m.takeover_to IN ('', m.box));
    has_work := fleet.has_work(kept);
    switches := fleet.switches();
    timeline := fleet.timeline();
    now := extract(epoch FROM clock_timestamp());
END $$;
COMMENT ON FUNCTION renew IS 'agent: 续租，顺便看有没有活';

CREATE FUNCTION release(accounts_in text[], epochs_in integer[], owners_in text[], send_by_in float8)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
BEGIN
    PERFORM begin_write(true);
    UPDATE account a SET ended_at = clock_timestamp(),
        quiet_at = clock_timestamp() + make_interval(secs => send_by_in)
    FROM mine(accounts_in, epochs_in, owners_in) m
    WHERE a.account_id = m.account_id AND a.epoch = m.epoch AND a.ended_at IS NULL;
END $$;
COMMENT ON FUNCTION release IS 'agent: 不做主人了';

CREATE FUNCTION publish(
    account_in text, epoch_in integer, owner_in text, hello_in text, glance_in text)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
BEGIN
    PERFORM begin_write(false);
    UPDATE face f SET hello = hello_in, glance = glance_in, glance_at = clock_timestamp()
    FROM mine(ARRAY[account_in], ARRAY[epoch_in], ARRAY[owner_in]) m
    WHERE f.account_id = m.account_id;
END $$;
COMMENT ON FUNCTION publish IS 'agent: 写上自己的样子';

CREATE FUNCTION claim(
    accounts_in text[], epochs_in integer[], owners_in text[], most_in integer, busy_in text[])
RETURNS SETOF command
LANGUAGE plpgsql SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_sort = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE v_busy text[]; v_held text[]; v_numbers bigint[]; v_stops text[];
BEGIN
    PERFORM begin_write(true);
    -- 有活的账号；空的什么锁都不拿
    v_busy := ARRAY(SELECT x FROM unnest(accounts_in) AS l(x)
        WHERE EXISTS (SELECT FROM command c WHERE c.state = 'queued' AND c.account_id = x));
    IF v_busy = '{}' THEN
        RETURN;
    END IF;
    -- 换主人的等我提交，或者我下一句看得见换了
    PERFORM pg_advisory_xact_lock_shared(71001, x) FROM (
        SELECT DISTINCT hashtext(unnest(v_busy)) AS x ORDER BY 1) l;
    v_held := ARRAY(SELECT m.account_id FROM mine(accounts_in, epochs_in, owners_in) m
        JOIN holder h ON h.owner = m.owner
        WHERE m.account_id = ANY (v_busy) AND m.ended_at IS NULL
            AND m.takeover_to IN ('', m.box) AND h.lease_until > clock_timestamp());
    v_numbers := ARRAY(SELECT q.command_no FROM unnest(v_held) AS l(x) CROSS JOIN LATERAL (
            SELECT c.effect <> 'cancel' AS late, c.command_no FROM command c
            WHERE c.account_id = x AND c.state = 'queued'
                AND (c.effect = 'cancel' OR x <> ALL (busy_in))
            ORDER BY c.effect <> 'cancel', c.command_no LIMIT most_in) q
        ORDER BY q.late, q.command_no LIMIT most_in);
    v_stops := ARRAY(SELECT s.scope FROM switch s ORDER BY s.scope);
    RETURN QUERY
        WITH judged AS MATERIALIZED (
            SELECT c.command_no, c.account_id, c.valid_until <= clock_timestamp() AS late,
                CASE WHEN c.effect <> 'cancel' AND v_stops <> '{}' THEN
                    stopped_by(v_stops, c.account_id, c.strategy) END AS stop
            FROM command c
            WHERE c.command_no = ANY (v_numbers) AND coalesce(c.state, '') = 'queued'
            FOR UPDATE SKIP LOCKED
        )
        UPDATE command c SET
            state = CASE WHEN j.late OR j.stop IS NOT NULL THEN 'unsent' ELSE 'sending' END,
            reason = CASE WHEN j.late THEN 'expired' WHEN j.stop IS NOT NULL THEN 'switch'
                ELSE '' END,
            answer = CASE WHEN j.late OR j.stop IS NULL THEN '' ELSE json_build_object('error',
                json_build_object('type', 'RiskRefusedError', 'text',
                    format('风控拒绝（fleet_switch）：停单开关开着（%s）；什么都没有发出', j.stop),
                    'rule', 'fleet_switch', 'actual', NULL, 'limit', NULL))::text END,
            epoch = CASE WHEN j.late OR j.stop IS NOT NULL THEN c.epoch
                ELSE epochs_in[array_position(accounts_in, j.account_id)] END,
            claimed_at = CASE WHEN j.late OR j.stop IS NOT NULL THEN NULL
                ELSE clock_timestamp() END,
            settled_at = CASE WHEN j.late OR j.stop IS NOT NULL THEN clock_timestamp() END
        FROM judged j
        WHERE c.command_no = j.command_no
        RETURNING c.*;
    IF FOUND THEN
        UPDATE holder SET idle = false WHERE owner = ANY (owners_in) AND idle;
    END IF;
END $$;
COMMENT ON FUNCTION claim IS 'agent: 领走一批';

CREATE FUNCTION left_over(account_in text, epoch_in integer, owner_in text) RETURNS SETOF command
LANGUAGE plpgsql SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
BEGIN
    PERFORM begin_write(true);
    PERFORM pg_advisory_xact_lock_shared(71001, hashtext(account_in));
    IF NOT EXISTS (SELECT FROM mine(ARRAY[account_in], ARRAY[epoch_in], ARRAY[owner_in])) THEN
        RAISE EXCEPTION USING ERRCODE = 'FT002', MESSAGE = account_in;
    END IF;
    UPDATE command SET state = 'unknown', epoch = epoch_in
    WHERE account_id = account_in AND state IN ('sending', 'unknown') AND epoch < epoch_in;
    RETURN QUERY SELECT * FROM command
        WHERE account_id = account_in AND state IN ('sending', 'unknown') AND state = 'unknown'
        ORDER BY command_no;
END $$;
COMMENT ON FUNCTION left_over IS 'agent: 以前各任没有结果的';

CREATE FUNCTION settle(
    accounts_in text[], epochs_in integer[], owners_in text[],
    o_account text[], o_command text[], o_attempt integer[], o_state text[], o_reason text[],
    o_order text[], o_answer text[], o_seq bigint[],
    e_account text[], e_kind text[], e_data text[], e_spool text[], e_n bigint[], e_command text[],
    OUT account_id text, OUT last_no bigint) RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE v_accounts text[]; v_lost text; v_open boolean;
BEGIN
    PERFORM begin_write(true);
    v_accounts := ARRAY(SELECT DISTINCT x FROM unnest(o_account || e_account) AS l(x) ORDER BY x);
    PERFORM pg_advisory_xact_lock_shared(71001, x) FROM (
        SELECT DISTINCT hashtext(unnest(v_accounts)) AS x ORDER BY 1) l;
    -- 要写的都要在自己的里面：直接调用的人给什么都可能
    SELECT string_agg(DISTINCT x, '、') INTO v_lost FROM unnest(accounts_in || v_accounts) AS l(x)
    WHERE x NOT IN (SELECT m.account_id FROM mine(accounts_in, epochs_in, owners_in) m);
    IF v_lost IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'FT002', MESSAGE = v_lost;
    END IF;
    -- 一条一条、照先后：同一条命令先有序号、后有结果
    FOR i IN 1..cardinality(o_account) LOOP
        v_open := o_state[i] IN ('sending', 'unknown');
        UPDATE command c SET
            state = CASE WHEN o_state[i] = 'sending' THEN c.state ELSE o_state[i] END,
            reason = CASE WHEN o_state[i] = 'sending' THEN c.reason ELSE o_reason[i] END,
            order_id = CASE WHEN o_order[i] = '' THEN c.order_id ELSE o_order[i] END,
            answer = CASE WHEN o_state[i] = 'sending' THEN c.answer ELSE o_answer[i] END,
            seq = coalesce(o_seq[i], c.seq),
            settled_at = CASE WHEN v_open THEN NULL ELSE clock_timestamp() END
        WHERE c.command_id = o_command[i] AND c.account_id = o_account[i]
            AND c.attempt = o_attempt[i]
            AND c.epoch = epochs_in[array_position(accounts_in, o_account[i])]
            AND coalesce(c.state, '') IN ('sending', 'unknown');  -- 只走主键
    END LOOP;
    IF e_account <> '{}' THEN
        -- 行锁到提交：编号没有缺的，照提交的先后
        PERFORM FROM tail t WHERE t.account_id = ANY (e_account)
            ORDER BY t.account_id FOR UPDATE;
        WITH fresh AS MATERIALIZED (
            SELECT DISTINCT ON (e.account_id, e.spool, e.n)
                e.account_id, e.kind, e.data, e.spool, e.n, e.command_id, e.nth
            FROM unnest(e_account, e_kind, e_data, e_spool, e_n, e_command) WITH ORDINALITY
                AS e(account_id, kind, data, spool, n, command_id, nth)
            LEFT JOIN spool_mark s ON s.account_id = e.account_id AND s.spool = e.spool
            WHERE s.upto IS NULL OR e.n > s.upto
            ORDER BY e.account_id, e.spool, e.n, e.nth
        ), numbered AS MATERIALIZED (
            SELECT f.account_id, f.kind, f.data, f.spool, f.n, f.command_id,
                t.last_no + row_number() OVER (
                    PARTITION BY f.account_id ORDER BY f.nth) AS event_no
            FROM fresh f JOIN tail t USING (account_id)
        ), marked AS (
            INSERT INTO spool_mark AS s (account_id, spool, upto)
            SELECT account_id, spool, max(n) FROM fresh GROUP BY 1, 2
            ON CONFLICT (account_id, spool) DO UPDATE SET upto = excluded.upto, at = excluded.at
        ), moved AS (
            UPDATE tail t SET last_no = x.last_no
            FROM (SELECT account_id, max(event_no) AS last_no FROM numbered GROUP BY 1) x
            WHERE t.account_id = x.account_id
        )
        INSERT INTO event (account_id, event_no, day, kind, data, command_id, spool, spool_no, at)
        SELECT account_id, event_no, today(), kind, data, command_id, spool, n, clock_timestamp()
        FROM numbered;
    END IF;
    RETURN QUERY SELECT t.account_id, t.last_no FROM tail t WHERE t.account_id = ANY (accounts_in);
END $$;
COMMENT ON FUNCTION settle IS 'agent: 结果与事件一起记下';

CREATE FUNCTION questions(
    accounts_in text[], epochs_in integer[], owners_in text[], most_in integer)
RETURNS SETOF question
LANGUAGE plpgsql SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
BEGIN
    PERFORM begin_write(false);
    IF NOT EXISTS (SELECT FROM question WHERE NOT taken AND account_id = ANY (accounts_in)) THEN
        RETURN;
    END IF;
    DELETE FROM question WHERE account_id = ANY (accounts_in) AND until < clock_timestamp();
    RETURN QUERY
        UPDATE question q SET taken = true
        WHERE q.number IN (
            SELECT o.number FROM question o
            WHERE NOT o.taken AND o.account_id IN (
                SELECT m.account_id FROM mine(accounts_in, epochs_in, owners_in) m
                WHERE m.ended_at IS NULL)
            ORDER BY o.asked_at LIMIT most_in FOR UPDATE SKIP LOCKED)
        RETURNING q.*;
    IF FOUND THEN
        UPDATE holder SET idle = false WHERE owner = ANY (owners_in) AND idle;
    END IF;
END $$;
COMMENT ON FUNCTION questions IS 'agent: 拿走要答的问题';

CREATE FUNCTION reply(numbers_in bigint[], answers_in text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
BEGIN
    PERFORM begin_write(false);
    UPDATE question q SET answer = x.answer
    FROM unnest(numbers_in, answers_in) AS x(number, answer), account a
    WHERE q.number = x.number AND q.taken AND q.until > clock_timestamp()
        AND a.account_id = q.account_id AND a.login = session_user;
END $$;
COMMENT ON FUNCTION reply IS 'agent: 答';

CREATE FUNCTION idle(accounts_in text[], epochs_in integer[], owners_in text[]) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
BEGIN
    PERFORM begin_write(false);
    -- 正在记的等它提交：下面看得见它；往后记的看得见我睡了
    PERFORM pg_advisory_xact_lock(71003, hashtext(x))
        FROM (SELECT DISTINCT unnest(owners_in) AS x ORDER BY 1) l;
    UPDATE holder SET idle = true
    WHERE owner = ANY (owners_in) AND login = session_user AND NOT idle;
    -- 租约过期了的领不到，不算有活
    RETURN has_work(ARRAY(SELECT m.account_id FROM mine(accounts_in, epochs_in, owners_in) m
        JOIN holder h ON h.owner = m.owner
        WHERE m.ended_at IS NULL AND h.lease_until > clock_timestamp()));
END $$;
COMMENT ON FUNCTION idle IS 'agent: 要去等提示了';

-- ---- 额度、开关、交接

CREATE FUNCTION draw(scope_in text, kind_in text, least_in bigint, most_in bigint, host_in text)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
DECLARE v_allowed bigint; v_taken bigint; v_give bigint; v_day date := today();
BEGIN
    PERFORM begin_write(true);
    PERFORM need_role('agent');
    IF scope_in LIKE 'account:%' AND NOT may(substr(scope_in, 9), 'agent')
        OR scope_in LIKE 'group:%' AND NOT EXISTS (SELECT FROM account a
            WHERE substr(scope_in, 7) = ANY (a.groups) AND may(a.account_id, 'agent')) THEN
        PERFORM refuse('scope', scope_in, format('登录名 %s 在里面没有账号', session_user));
    END IF;
    SELECT allowed INTO v_allowed FROM budget WHERE scope = scope_in AND kind = kind_in;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    INSERT INTO taken VALUES (scope_in, kind_in, v_day, 0) ON CONFLICT DO NOTHING;
    SELECT amount INTO v_taken FROM taken
        WHERE scope = scope_in AND kind = kind_in AND day = v_day FOR UPDATE;
    v_give := least(most_in, v_allowed - v_taken);
    IF v_give < least_in OR v_give <= 0 THEN
        RETURN 0;
    END IF;
    UPDATE taken SET amount = amount + v_give
        WHERE scope = scope_in AND kind = kind_in AND day = v_day;
    INSERT INTO draw AS d VALUES (scope_in, kind_in, v_day, host_in, v_give)
        ON CONFLICT (scope, kind, day, host) DO UPDATE SET amount = d.amount + excluded.amount;
    RETURN v_give;
END $$;
COMMENT ON FUNCTION draw IS 'agent: 从今天的额度里领一份';

CREATE FUNCTION budgets(
    OUT scope text, OUT kind text, OUT allowed bigint, OUT taken bigint) RETURNS SETOF record
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT b.scope, b.kind, b.allowed, coalesce(t.amount, 0)
    FROM budget b LEFT JOIN taken t ON t.scope = b.scope AND t.kind = b.kind AND t.day = today()
    ORDER BY 1, 2;
END $$;
COMMENT ON FUNCTION budgets IS 'agent strategy operator audit: 各格额度今天的样子';

CREATE FUNCTION set_budget(scope_in text, kind_in text, allowed_in bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
BEGIN
    PERFORM begin_write(true);
    PERFORM need_role('operator');
    IF NOT operates(scope_in) THEN
        PERFORM refuse('scope', scope_in, format('登录名 %s 管不了这一格', session_user));
    END IF;
    IF allowed_in IS NULL THEN
        DELETE FROM budget WHERE scope = scope_in AND kind = kind_in;
    ELSE
        INSERT INTO budget VALUES (scope_in, kind_in, allowed_in)
            ON CONFLICT (scope, kind) DO UPDATE SET allowed = excluded.allowed;
    END IF;
END $$;
COMMENT ON FUNCTION set_budget IS 'operator: 设一格额度';

CREATE FUNCTION switches() RETURNS json
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
BEGIN
    RETURN (SELECT coalesce(json_agg(json_build_array(
        scope, cancel_open, why, by_login, extract(epoch FROM at)) ORDER BY scope), '[]')
    FROM switch);
END $$;
COMMENT ON FUNCTION switches IS 'agent strategy operator audit: 开着的开关';

CREATE FUNCTION set_switch(scope_in text, on_in boolean, why_in text, cancel_open_in boolean)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
DECLARE v_account text := substring(scope_in FROM '^account:(.*)$'); v_by text;
BEGIN
    PERFORM begin_write(true);
    -- 策略停得了自己能下单的账号，放得开自己按下的；代理只停自己的，放开要人
    IF NOT operates(scope_in) AND NOT (v_account IS NOT NULL AND (
            may(v_account, 'trade') OR (on_in AND may(v_account, 'agent')))) THEN
        PERFORM refuse('scope', scope_in, format('登录名 %s 动不了这一格开关', session_user));
    END IF;
    IF on_in THEN
        -- 策略再按一次别人按下的，不算它按的：不然它接着就放得开了
        INSERT INTO switch VALUES (scope_in, cancel_open_in, why_in, session_user, clock_timestamp())
        ON CONFLICT (scope) DO UPDATE SET cancel_open = switch.cancel_open OR excluded.cancel_open,
            why = excluded.why, by_login = excluded.by_login,
            -- 不连同撤单的再按一次，原来说要撤的还算数，也还是那一次：没有看到的照撤，撤过的不再撤
            at = CASE WHEN switch.cancel_open AND NOT excluded.cancel_open
                THEN switch.at ELSE excluded.at END
        WHERE operates(scope_in) OR may(v_account, 'agent') OR switch.by_login = session_user;
    ELSE
        SELECT by_login INTO v_by FROM switch WHERE scope = scope_in FOR UPDATE;
        IF v_by <> session_user AND NOT operates(scope_in) THEN
            PERFORM refuse('scope', scope_in, format(
                '是 %s 按下的，登录名 %s 放不开：要它自己，或操作的人', v_by, session_user));
        END IF;
        -- 看过之后别人才按下的，不归这一次放开
        DELETE FROM switch WHERE scope = scope_in
            AND (by_login = session_user OR operates(scope_in));
    END IF;
END $$;
COMMENT ON FUNCTION set_switch IS 'operator strategy agent: 停，或放开';

CREATE FUNCTION take_over(account_in text, box_in text, force_in boolean, quiet_in float8, ttl_in float8)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = fleet, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
DECLARE v_row account; v_until timestamptz; v_now timestamptz; v_alive boolean;
BEGIN
    PERFORM begin_write(true);
    PERFORM need_role('operator');
    IF NOT operates('account:' || account_in) THEN
        PERFORM refuse('account', account_in, format('登录名 %s 管不了这个账号', session_user));
    END IF;
    PERFORM pg_advisory_xact_lock(71001, hashtext(account_in));
    SELECT * INTO v_row FROM account WHERE account_id = account_in FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM refuse('account', account_in, '没有这个账号；easytrader fleet status 看有哪些');
    END IF;
    SELECT lease_until INTO v_until FROM holder WHERE owner = v_row.owner FOR UPDATE;
    v_now := clock_timestamp();
    v_alive := v_row.ended_at IS NULL AND v_until > v_now;
    IF v_alive AND v_row.box = box_in AND v_row.takeover_to = '' THEN
        RETURN format('%s 正由 %s 管着，什么都没有改', account_in, box_in);
    END IF;
    IF v_alive AND NOT force_in THEN
        PERFORM refuse('account', account_in, format(
            '%s 的租约还有 %s 秒，它可能正在下单。先停掉那里的代理；确知那台机器回不来才 --force：'
            '它若只是断了网，手里已经领走的还会发出去',
            v_row.box, round(extract(epoch FROM v_until - v_now)::numeric, 1)));
    END IF;
    UPDATE account a SET takeover_to = box_in,
        ended_at = CASE WHEN v_alive THEN v_now ELSE a.ended_at END,
        quiet_at = CASE WHEN v_alive
            THEN v_until + make_interval(secs => quiet_in - ttl_in) ELSE a.quiet_at END
    WHERE a.account_id = account_in;
    RETURN format('%s 归 %s 接：那里的代理几秒之内接过去，先核对再下单', account_in, box_in);
END $$;
COMMENT ON FUNCTION take_over IS 'operator: 许可一台机器接一个账号';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA fleet FROM PUBLIC;
