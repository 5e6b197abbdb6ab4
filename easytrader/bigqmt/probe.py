# coding:gbk
"""easytrader probe: prints what this client's built-in Python allows.  It orders nothing.

Paste it into the full QMT client as a model, run it in the simulated mode, and after half a minute
copy what stands between BEGIN and END in the strategy log.  No account, amount or position is in
it: names of modules, functions and attributes, times, and the client's own words of refusal.
"""

SECONDS = 20.0  # how long the timer is watched
PERIOD_MS = 100

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MODULES = [
    "sys", "time", "json", "hashlib", "hmac", "collections", "operator", "datetime", "os",
    "socket", "select", "struct", "threading", "ctypes", "ctypes.wintypes", "tempfile", "random",
    "uuid", "numpy", "pandas", "zmq", "redis", "xtquant",
]  # fmt: skip
FUNCTIONS = [
    "account", "accountType", "passorder", "cancel", "get_trade_detail_data", "algo_passorder",
    "smart_algo_passorder", "get_smart_algo_param", "cancel_task", "pause_task", "resume_task",
    "get_value_by_order_id", "get_last_order_id", "get_history_trade_detail_data", "get_ipo_data",
    "get_new_purchase_limit", "get_assure_contract", "get_enable_short_contract",
    "get_unclosed_compacts", "get_closed_compacts", "get_debt_contract", "query_credit_account",
    "query_credit_opvolume", "download_history_data",
]  # fmt: skip
KINDS = ["ACCOUNT", "POSITION", "ORDER", "DEAL", "TASK"]

report = []  # type: list[str]
ticks = []  # type: list[float]
bars = {"old": 0, "last": 0}
later = {}  # type: dict[str, Any] # what is looked at again on later ticks
modules = {}  # type: dict[str, Any]


def clean(text: "Any") -> str:
    """Long numbers are hidden: an account may stand in a text of the client."""
    out = []
    digits = ""
    for each in "%s\n" % (text,):
        if "0" <= each <= "9":
            digits += each
            continue
        out.append(digits if len(digits) < 5 else "#" * len(digits))
        digits = ""
        out.append(" " if each in "\r\n" else each)
    return "".join(out).strip()[:200]


def words(error: "BaseException") -> str:
    """What the client said."""
    try:
        return clean("%s: %s" % (type(error).__name__, error))
    except Exception:
        return type(error).__name__


def say(name: str, value: "Any") -> None:
    report.append("%s: %s" % (name, clean(value)))


def say_names(name: str, names: "list[str]") -> None:
    rows = [names[start : start + 8] for start in range(0, len(names), 8)]
    report.extend("%s: %s" % (name, " ".join(each)) for each in rows)


def attempt(name: str, work: "Any", *args: "Any") -> "Any":
    """Do it and report how that went."""
    try:
        value = work(*args)
    except KeyError as error:  # a module that is not here
        say(name, "needs %s" % error)
        return None
    except Exception as error:
        say(name, words(error))
        return None
    say(name, "ok" if value is None else value)
    return value


def read(thing: "Any", name: str) -> "Any":
    try:
        return getattr(thing, name)
    except Exception:
        return None


# ---------------------------------------------------------------- while loading

for _name in MODULES:
    try:
        modules[_name] = __import__(_name)
    except Exception as _no:
        say("import " + _name, words(_no))

_clock = modules["time"].monotonic if "time" in modules else None  # type: Any


def look_around(context: "Any") -> None:
    say_names("imports", [each for each in MODULES if each in modules])
    system = modules.get("sys")
    if system is not None:
        say("python", system.version.split()[0] + " " + system.platform)
        say("exe", str(system.executable).replace("\\", "/").split("/")[-1])
        say("encodings", system.getdefaultencoding() + " " + system.getfilesystemencoding())
    say("file", "__file__" in globals())
    here = globals()
    say_names("globals", [each for each in FUNCTIONS if here.get(each) is not None])
    say_names("no globals", [each for each in FUNCTIONS if here.get(each) is None])
    say_names("context", [each for each in dir(context) if each[:1] != "_"])
    say("do_back_test", read(context, "do_back_test"))
    say("period", read(context, "period"))


def look_at_tables() -> None:
    """Which attributes the rows have and of which type; no value is printed."""
    here = globals()
    query, account = here.get("get_trade_detail_data"), here.get("account")
    if query is None or not account:
        say("tables", "no account is bound (run from the editor?)")
        return
    for kind in KINDS:
        started = _clock()
        try:
            rows = list(query(account, here.get("accountType") or "STOCK", kind))
        except Exception as error:
            say("table " + kind, words(error))
            continue
        cost = (_clock() - started) * 1000
        say("table " + kind, "%s, %.1f ms" % ("some rows" if rows else "no row", cost))
        names = [each for each in dir(rows[0]) if each[:2] == "m_"] if rows else []
        for start in range(0, len(names), 6):
            told = ["%s=%s" % (each, kind_of(rows[0], each)) for each in names[start : start + 6]]
            report.append("  %s" % " ".join(told))


def kind_of(row: "Any", name: str) -> str:
    try:
        return type(getattr(row, name)).__name__
    except Exception as error:
        return type(error).__name__


# ---------------------------------------------------------------- wires


def try_listen() -> str:
    sock = modules["socket"].socket()
    later["listener"] = sock
    sock.bind(("127.0.0.1", 0))
    sock.listen(1)
    sock.setblocking(False)
    return "ok"


def try_reach() -> str:
    sock = modules["socket"].socket()
    later["caller"] = sock
    sock.setblocking(False)
    # 0: done, or "in progress": the next ticks will tell
    sock.connect_ex(later["listener"].getsockname())
    return "begun"


def try_accept() -> str:
    sock = later["listener"].accept()[0]
    sock.close()
    return "ok"


def try_file() -> str:
    system = modules["os"]
    folder = system.environ.get("TEMP") or system.environ.get("TMPDIR") or "."
    path = system.path.join(folder, "easytrader_probe.txt")
    with open(path, "w") as file:
        file.write("probe")
    with open(path) as file:
        back = file.read()
    system.rename(path, path + ".2")
    listed = "easytrader_probe.txt.2" in system.listdir(folder)
    system.remove(path + ".2")
    return "ok" if back == "probe" and listed else "written, but not there"


def try_pipe() -> str:
    ctypes = modules["ctypes"]
    if not hasattr(ctypes, "WinDLL"):
        return "not Windows"
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel.CreateNamedPipeW.restype = ctypes.c_void_p
    name = ctypes.c_wchar_p("\\\\.\\pipe\\easytrader-probe-%d" % modules["os"].getpid())
    # duplex, first instance; bytes, no wait, remote clients rejected
    handle = kernel.CreateNamedPipeW(name, 0x00080003, 0x00000009, 1, 4096, 4096, 0, None)
    if handle in (None, ctypes.c_void_p(-1).value):
        return "refused, error %d" % ctypes.get_last_error()
    kernel.CloseHandle(ctypes.c_void_p(handle))
    return "ok"


def try_thread() -> str:
    """How often a thread runs while the client idles between two ticks."""
    threading = modules["threading"]
    later["turns"] = 0
    pause = threading.Event()

    def work() -> None:
        for _ in range(int(SECONDS * 50)):
            later["turns"] += 1
            pause.wait(0.01)

    thread = threading.Thread(target=work, name="probe")
    thread.daemon = True
    thread.start()
    return "started"


# ---------------------------------------------------------------- entry points


def init(context: "Any") -> None:
    try:
        if later:
            return  # started again
        later["begun"] = _clock()
        later["thread"] = thread_id()
        look_around(context)
        attempt("wire listen", try_listen)
        attempt("wire reach", try_reach)
        attempt("wire file", try_file)
        attempt("wire pipe", try_pipe)
        attempt("thread", try_thread)
        attempt("run_time", context.run_time, "_probe_tick", "%dnMilliSecond" % PERIOD_MS, PAST)
        attempt("schedule_run", schedule, context)
    except Exception as error:
        say("init", words(error))
        finish()  # no timer will come


PAST = "2020-01-01 09:00:00"


def thread_id() -> "Any":
    threading = modules.get("threading")
    return None if threading is None else threading.get_ident()


def schedule(context: "Any") -> None:
    dt = modules["datetime"]
    start = dt.datetime.now() + dt.timedelta(seconds=2)
    later["scheduled"] = _clock() + 2
    context.schedule_run(_probe_once, start, 0, dt.timedelta(seconds=1), "_probe_once")


def _probe_once(context: "Any") -> None:
    try:
        say("schedule_run fired", "%.0f ms late" % ((_clock() - later["scheduled"]) * 1000))
    except Exception as error:
        say("schedule_run fired", words(error))


def _probe_tick(context: "Any") -> None:
    try:
        now = _clock()
        ticks.append(now)
        if len(ticks) == 10:
            attempt("wire accept", try_accept)
            look_at_tables()
        if now - later["begun"] > SECONDS:
            finish()
    except Exception as error:
        say("tick", words(error))


def handlebar(context: "Any") -> None:
    try:
        bars["last" if context.is_last_bar() else "old"] += 1
        if not ticks and _clock() - later["begun"] > SECONDS:
            look_at_tables()
            finish()
    except Exception as error:
        say("handlebar", words(error))


def finish() -> None:
    """Print it all, once."""
    if later.get("printed"):
        return
    later["printed"] = True
    gaps = sorted(b - a for a, b in zip(ticks, ticks[1:]))
    if gaps:
        told = tuple(each * 1000 for each in (gaps[0], gaps[len(gaps) // 2], gaps[-1]))
        say("ticks", "%d, min %.0f median %.0f max %.0f ms" % (len(ticks), *told))
        say("first tick", "%.0f ms after init" % ((ticks[0] - later["begun"]) * 1000))
    else:
        say("ticks", "none")
    say("bars", "old %d last %d" % (bars["old"], bars["last"]))
    say("same thread", thread_id() == later.get("thread"))
    if "turns" in later:
        say("thread turns", "%d for %d ticks" % (later["turns"], len(ticks)))
    for name in ("caller", "listener"):
        if name in later:
            later[name].close()
    print("==== easytrader probe 1 BEGIN ====")
    for line in report:
        print(line)
    print("==== easytrader probe 1 END ====")


def stop(context: "Any") -> None:
    finish()
