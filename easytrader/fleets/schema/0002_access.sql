-- 谁能做什么：身份看角色与 member，权限照函数、视图的说明给，表谁都不能直接碰，改了什么留底。
-- 认权限的都是 plpgsql：不能内联的 sql 函数每次调用都从头解析、计划一遍。

-- 管理员：扮得了主人的（建表的那个登录名、超级用户）。session_user 在 SECURITY DEFINER 里也还是登录的那一个。
CREATE OR REPLACE FUNCTION fleet.is_admin() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pg_has_role(session_user, 'fleet_owner', 'MEMBER');
END $$;
COMMENT ON FUNCTION fleet.is_admin() IS 'agent strategy operator audit: 管理员';

CREATE OR REPLACE FUNCTION fleet.has_role(role_in text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN role_in = ANY ('{agent,strategy,operator,audit}'::text[]) AND (
        pg_has_role(session_user, 'fleet_owner', 'MEMBER')
        OR (pg_has_role(session_user, 'fleet_' || role_in, 'MEMBER')
            AND EXISTS (SELECT FROM fleet.member m WHERE m.login = session_user::text)));
END $$;
COMMENT ON FUNCTION fleet.has_role(text) IS 'agent strategy operator audit: 登录的人有没有这种身份';

CREATE OR REPLACE FUNCTION fleet.may(account_in text, scope_in text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pg_has_role(session_user, 'fleet_owner', 'MEMBER') OR EXISTS (
        SELECT FROM fleet.member m
        WHERE m.login = session_user::text AND m.account_id IN (account_in, '*')
          AND scope_in = ANY (m.may));
END $$;
COMMENT ON FUNCTION fleet.may(text, text) IS
    'agent strategy operator audit: 登录的人在这个账号上有没有这种权限';

CREATE OR REPLACE FUNCTION fleet.scopes(account_in text) RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN CASE WHEN pg_has_role(session_user, 'fleet_owner', 'MEMBER')
        THEN '{read,trade,funds}'::text[]
        ELSE ARRAY(
            SELECT s FROM unnest('{read,trade,funds}'::text[]) WITH ORDINALITY AS x(s, n)
            WHERE EXISTS (
                SELECT FROM fleet.member m
                WHERE m.login = session_user::text AND m.account_id IN (account_in, '*')
                  AND s = ANY (m.may))
            ORDER BY n) END;
END $$;
COMMENT ON FUNCTION fleet.scopes(text) IS
    'agent strategy operator audit: 登录的人在这个账号上的权限';

-- 一个账号的，管得到它的；全队、一组、一个策略的，要管得到全部账号的
CREATE OR REPLACE FUNCTION fleet.operates(scope_in text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN fleet.has_role('operator') AND fleet.may(
        CASE WHEN scope_in LIKE 'account:%' THEN substr(scope_in, 9) ELSE '*' END, 'operate');
END $$;
COMMENT ON FUNCTION fleet.operates(text) IS
    'agent strategy operator audit: 登录的人管不管得了这一格';

CREATE FUNCTION fleet.visible(scope_in text) RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN QUERY SELECT a.account_id FROM fleet.account a WHERE fleet.may(a.account_id, scope_in);
END $$;
COMMENT ON FUNCTION fleet.visible(text) IS 'agent strategy operator audit: 有这种权限的账号';

-- ---- 留底：谁按了开关、改了额度、让谁接手、给了谁权限、定了哪条命令。只添不改。

CREATE TABLE fleet.audit (
    audit_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    login text NOT NULL DEFAULT session_user,
    action text NOT NULL,
    scope text NOT NULL,
    data jsonb NOT NULL
);
CREATE INDEX ON fleet.audit (scope, audit_no);

CREATE FUNCTION fleet.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RAISE EXCEPTION '% 只能添，不能改、不能删', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
COMMENT ON FUNCTION fleet.refuse_change() IS '-: 只添不改';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON fleet.audit
    FOR EACH STATEMENT EXECUTE FUNCTION fleet.refuse_change();

CREATE FUNCTION fleet.note_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    was jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) - 'owner' END;
    now_is jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) - 'owner' END;
    one jsonb := coalesce(now_is, was);
BEGIN
    INSERT INTO fleet.audit (action, scope, data) VALUES (
        TG_ARGV[0],
        coalesce(one ->> 'scope', 'account:' || (one ->> 'account_id')),
        jsonb_strip_nulls(jsonb_build_object('was', was, 'now', now_is)));
    RETURN NULL;
END $$;
COMMENT ON FUNCTION fleet.note_change() IS '-: 改了就记下';

CREATE TRIGGER noted AFTER INSERT OR UPDATE OR DELETE ON fleet.switch
    FOR EACH ROW EXECUTE FUNCTION fleet.note_change('switch');
CREATE TRIGGER noted AFTER INSERT OR UPDATE OR DELETE ON fleet.member
    FOR EACH ROW EXECUTE FUNCTION fleet.note_change('member');
CREATE TRIGGER noted AFTER INSERT OR UPDATE OR DELETE ON fleet.budget
    FOR EACH ROW EXECUTE FUNCTION fleet.note_change('budget');
CREATE TRIGGER noted_take_over AFTER UPDATE OF takeover_to ON fleet.account
    FOR EACH ROW WHEN (NEW.takeover_to <> '' AND OLD.takeover_to <> NEW.takeover_to)
    EXECUTE FUNCTION fleet.note_change('take_over');
CREATE TRIGGER noted_owner AFTER INSERT ON fleet.account
    FOR EACH ROW EXECUTE FUNCTION fleet.note_change('owner');
CREATE TRIGGER noted_epoch AFTER UPDATE OF epoch ON fleet.account
    FOR EACH ROW WHEN (OLD.epoch <> NEW.epoch) EXECUTE FUNCTION fleet.note_change('owner');

-- ---- 给人看的，给人定的

CREATE FUNCTION fleet.list_commands(account_in text, states_in text[], most_in integer)
RETURNS SETOF fleet.command
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    mine text[] := CASE WHEN account_in <> '' THEN ARRAY[account_in] ELSE
        ARRAY(SELECT fleet.visible('read')) END;
BEGIN
    IF account_in <> '' AND NOT fleet.may(account_in, 'read') THEN
        PERFORM fleet.refuse('account', account_in, format('登录名 %s 看不得这个账号', session_user));
    END IF;
    IF states_in <> '{}' AND states_in <@ '{sending,unknown}'::text[] THEN  -- 走部分索引
        RETURN QUERY SELECT c.* FROM fleet.command c
            WHERE c.state IN ('sending', 'unknown') AND c.state = ANY (states_in)
              AND c.account_id = ANY (mine)
            ORDER BY c.command_no DESC LIMIT most_in;
    ELSE
        RETURN QUERY SELECT c.* FROM fleet.command c
            WHERE (states_in = '{}' OR c.state = ANY (states_in)) AND c.account_id = ANY (mine)
            ORDER BY c.command_no DESC LIMIT most_in;
    END IF;
END $$;
COMMENT ON FUNCTION fleet.list_commands(text, text[], integer) IS
    'strategy agent operator audit: 最近的命令，新的在前';

CREATE INDEX event_alarm ON fleet.event (day)
    WHERE kind IN ('duplicate', 'late_order', 'stale_lease', 'spool_full', 'stranger', 'clock');

CREATE FUNCTION fleet.list_alarms(
    since_in float8, most_in integer, OUT account_id text, OUT event_no bigint, OUT kind text,
    OUT data text, OUT command_id text, OUT at float8) RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT e.account_id, e.event_no, e.kind, e.data, e.command_id, extract(epoch FROM e.at)::float8
    FROM fleet.event e
    WHERE e.kind IN ('duplicate', 'late_order', 'stale_lease', 'spool_full', 'stranger', 'clock')
      AND e.day >= (to_timestamp(since_in) AT TIME ZONE 'Asia/Shanghai')::date
      AND e.at >= to_timestamp(since_in)
      AND e.account_id IN (SELECT fleet.visible('read'))
    ORDER BY e.at, e.account_id, e.event_no LIMIT most_in
$$;
COMMENT ON FUNCTION fleet.list_alarms(float8, integer) IS
    'strategy agent operator audit: 要人看的事件，旧的在前';

CREATE FUNCTION fleet.decide(
    account_in text, command_in text, state_in text, order_in text, why_in text)
RETURNS SETOF fleet.command
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    one fleet.command;
    alive boolean;
    left_s float8;
BEGIN
    PERFORM fleet.begin_write(true);
    PERFORM fleet.need_role('operator');
    IF NOT fleet.operates('account:' || account_in) THEN
        PERFORM fleet.refuse('account', account_in, format('登录名 %s 管不了这个账号', session_user));
    END IF;
    IF state_in NOT IN ('placed', 'absent') OR (state_in = 'placed') <> (order_in <> '') THEN
        PERFORM fleet.refuse('state', state_in, '应为 placed（要有委托编号）或 absent');
    END IF;
    IF btrim(why_in) = '' THEN
        PERFORM fleet.refuse('why', why_in, '要写为什么：以后查得到');
    END IF;
    -- 与领、结算、换主人排队
    PERFORM pg_advisory_xact_lock_shared(71001, hashtext(account_in));
    SELECT * INTO one FROM fleet.command c
        WHERE c.account_id = account_in AND c.command_id = command_in FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM fleet.refuse('command_id', command_in, '没有这一条；easytrader fleet commands 看有哪些');
    END IF;
    SELECT a.ended_at IS NULL AND h.lease_until > clock_timestamp(),
            extract(epoch FROM a.quiet_at - clock_timestamp()) INTO alive, left_s
        FROM fleet.account a LEFT JOIN fleet.holder h USING (owner) WHERE a.account_id = account_in;
    IF one.state <> 'unknown' AND NOT (one.state = 'sending' AND alive IS NOT TRUE) THEN
        PERFORM fleet.refuse('command_id', command_in, format(
            '它此刻是 %s：只有结果未知的才由人来定%s', one.state,
            CASE WHEN one.state = 'sending' THEN '；那台机器还在，等它' ELSE '' END));
    END IF;
    IF state_in = 'absent' AND left_s > 0 THEN
        PERFORM fleet.refuse('command_id', command_in, format(
            '原来的主人手里的，%s 秒之内还可能发出去：过一会儿看过柜台再说没有', ceil(left_s)));
    END IF;
    INSERT INTO fleet.audit (action, scope, data) VALUES ('decide', 'account:' || account_in,
        jsonb_build_object('command_id', command_in, 'attempt', one.attempt, 'was', one.state,
            'now', state_in, 'order_id', order_in, 'why', why_in));
    RETURN QUERY UPDATE fleet.command c SET
            state = state_in, reason = 'operator', order_id = order_in, settled_at = clock_timestamp(),
            answer = CASE WHEN state_in = 'absent' THEN '' WHEN order_in ~ '^(0|[1-9][0-9]{0,17})$'
                THEN json_build_object('result', json_build_object('entrust_no', order_in::bigint))::text
                ELSE json_build_object('result', json_build_object('entrust_no', order_in))::text END
        WHERE c.account_id = account_in AND c.command_id = command_in
        RETURNING c.*;
END $$;
COMMENT ON FUNCTION fleet.decide(text, text, text, text, text) IS
    'operator: 结果未知的一条，由人来定';

-- ---- 保留：后面几个月的分区；已经落在没有分区的那一张里的先搬出来

CREATE OR REPLACE FUNCTION fleet.open_months(ahead_in integer) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    month date;
    named text;
BEGIN
    FOR month IN
        SELECT (date_trunc('month', fleet.today()) + make_interval(months => i))::date
            FROM generate_series(0, ahead_in) i
        UNION SELECT DISTINCT date_trunc('month', r.day)::date FROM fleet.event_rest r
        ORDER BY 1
    LOOP
        named := 'event_' || to_char(month, 'YYYYMM');
        CONTINUE WHEN to_regclass('fleet.' || named) IS NOT NULL;
        EXECUTE format('CREATE TABLE fleet.%I (LIKE fleet.event INCLUDING DEFAULTS)', named);
        EXECUTE format(
            'WITH moved AS (DELETE FROM fleet.event_rest WHERE day >= %L AND day < %L RETURNING *)'
            ' INSERT INTO fleet.%I SELECT * FROM moved',
            month, (month + interval '1 month')::date, named);
        EXECUTE format('ALTER TABLE fleet.event ATTACH PARTITION fleet.%I FOR VALUES FROM (%L) TO (%L)',
            named, month, (month + interval '1 month')::date);
    END LOOP;
END $$;
COMMENT ON FUNCTION fleet.open_months(integer) IS '-: 建好这个月与往后几个月的分区';

-- ---- 权限：说明里冒号前面的身份能用，别的一概不能；表上强制行安全，只有主人一条规矩。

CREATE FUNCTION fleet.grant_all() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    one record;
    who text;
    everybody constant text := 'PUBLIC, fleet_agent, fleet_strategy, fleet_operator, fleet_audit';
BEGIN
    EXECUTE 'REVOKE ALL ON SCHEMA fleet FROM ' || everybody;
    GRANT USAGE ON SCHEMA fleet TO fleet_agent, fleet_strategy, fleet_operator, fleet_audit;
    FOR one IN
        SELECT c.oid::regclass::text AS name, c.relkind, c.relname,
               c.relrowsecurity AND c.relforcerowsecurity AS secured,
               split_part(coalesce(obj_description(c.oid, 'pg_class'), ''), ':', 1) AS told,
               EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid) AS ruled
        FROM pg_class c WHERE c.relnamespace = 'fleet'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %s', one.name, everybody);
        IF one.relkind = 'v' THEN
            FOREACH who IN ARRAY string_to_array(one.told, ' ') LOOP
                EXECUTE format('GRANT SELECT ON %s TO %I', one.name, 'fleet_' || who);
            END LOOP;
        ELSIF one.relkind <> 'S' THEN
            IF NOT one.secured THEN
                EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', one.name);
                EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', one.name);
            END IF;
            IF NOT one.ruled THEN
                EXECUTE format('CREATE POLICY owner_only ON %s TO fleet_owner USING (true) WITH CHECK (true)',
                               one.name);
            END IF;
        END IF;
    END LOOP;
    FOR one IN
        SELECT p.oid::regprocedure::text AS name,
               split_part(coalesce(obj_description(p.oid, 'pg_proc'), '-'), ':', 1) AS told
        FROM pg_proc p WHERE p.pronamespace = 'fleet'::regnamespace
    LOOP
        EXECUTE format('REVOKE ALL ON ROUTINE %s FROM %s', one.name, everybody);
        IF one.told <> '-' THEN
            FOREACH who IN ARRAY string_to_array(one.told, ' ') LOOP
                EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', one.name, 'fleet_' || who);
            END LOOP;
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION fleet.grant_all() IS '-: 权限照说明重新给一遍；每次升级之后';
