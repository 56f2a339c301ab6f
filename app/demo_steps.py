"""The steps of the tour, in order: what is asked, what must come back, what the pages show."""

from collections.abc import Sequence
from dataclasses import dataclass

LINE_MAX = 100


@dataclass(frozen=True, slots=True)
class Keep:
    """A member of the answer that later steps use as `$name`."""

    name: str
    member: str


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of the checkout and what is declared about it."""

    file: str
    spec: str


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request and the status it must be answered with.

    `shows` are the members the pages show, dotted into nested ones, `a=b` for a list as a table
    from a to b; empty shows all. `body` is the JSON text as typed, with `$EX_DATE` to be filled in.
    """

    title: str
    path: str
    expect: int = 200
    method: str = "GET"
    body: str | None = None
    key: str | None = None
    upload: Upload | None = None
    keeps: Keep | None = None
    shows: tuple[str, ...] = ()
    is_public: bool = False


@dataclass(frozen=True, slots=True)
class Console:
    """One command of the command line; it must exit with 0."""

    title: str
    command: str


Step = Request | Console

STEPS: tuple[Step, ...] = (
    Request("The service is ready", "/readyz", is_public=True),
    Request(
        "Create a cell: a stock with its own cash reserve",
        "/api/v1/positions",
        201,
        "POST",
        '{"ticker":"ZIM","qty":0,"cash":10000}',
        keeps=Keep("POS", "id"),
        shows=("id", "ticker", "qty", "cash", "equity", "status", "anchor_price", "plan.band"),
    ),
    Request(
        "Submit an order under a key",
        "/api/v1/positions/$POS/orders",
        201,
        "POST",
        '{"side":"BUY","qty":1.5}',
        "first-order",
        keeps=Keep("ORDER", "order_id"),
        shows=("order_id", "accepted", "status", "reservation", "checks.code=status"),
    ),
    Request(
        "Send it again: the stored answer comes back, nothing happens twice",
        "/api/v1/positions/$POS/orders",
        200,
        "POST",
        '{"side":"BUY","qty":1.50}',
        "first-order",
        shows=("order_id", "accepted", "status"),
    ),
    Request(
        "Another body under the same key is refused",
        "/api/v1/positions/$POS/orders",
        409,
        "POST",
        '{"side":"BUY","qty":2}',
        "first-order",
        shows=("status", "code", "detail", "retryable"),
    ),
    Request(
        "Report the execution",
        "/api/v1/orders/$ORDER/fill",
        200,
        "POST",
        '{"price":20,"filled_qty":1.5,"commission":0}',
    ),
    Request(
        "Read the position",
        "/api/v1/positions/$POS",
        shows=(
            "qty",
            "cash",
            "avg_cost",
            "anchor_price",
            "price",
            "price_source",
            "equity",
            "stock_fraction",
            "version",
        ),
    ),
    Request(
        "Read what happened to it",
        "/api/v1/positions/$POS/events",
        shows=("events.seq", "events.type", "events.message"),
    ),
    Request(
        "An order beyond the limits is refused, with every check",
        "/api/v1/positions/$POS/orders",
        422,
        "POST",
        '{"side":"BUY","qty":500}',
        "too-large",
        shows=("code", "detail", "context.adjusted_quantity", "context.checks.code=status"),
    ),
    Request(
        "Create a cell in an index that comes with stored candles",
        "/api/v1/positions",
        201,
        "POST",
        '{"ticker":"SPX","qty":2,"cash":5000,"anchor_price":2400}',
        keeps=Keep("SPX", "id"),
        shows=("id", "qty", "avg_cost", "price", "price_source", "price_as_of", "equity"),
    ),
    Request(
        "Evaluate without a price: the newest stored close, with its source and age",
        "/api/v1/positions/$SPX/evaluate",
        200,
        "POST",
        shows=(
            "action",
            "reason",
            "price",
            "guardrails",
            "proposals.side",
            "proposals.qty",
            "proposals.valid",
        ),
    ),
    Request(
        "Announce a dividend",
        "/api/v1/dividends",
        201,
        "POST",
        '{"ticker":"ZIM","ex_date":"$EX_DATE","dps":0.82}',
        keeps=Keep("DIVIDEND", "id"),
    ),
    Request(
        "Its ex-date cannot be processed before its day",
        "/api/v1/dividends/$DIVIDEND/ex-date",
        409,
        "POST",
        shows=("status", "code", "detail", "context"),
    ),
    Request(
        "Import candles from a file, as a job",
        "/api/v1/data/imports",
        202,
        "POST",
        upload=Upload(
            "tests/data/market/calm_daily_excerpt.csv", '{"instrument":"CALM","interval":"1d"}'
        ),
        keeps=Keep("JOB", "id"),
        shows=("id", "kind", "state", "progress"),
    ),
    Request(
        "Follow the job until it ends",
        "/api/v1/jobs/$JOB/stream",
        shows=("id", "state", "progress", "attempts", "result_url"),
    ),
    Request(
        "Read its report",
        "/api/v1/data/imports/$JOB/report",
        shows=(
            "series",
            "stored",
            "rows_read",
            "inserted",
            "actions",
            "errors",
            "notes",
            "warnings",
        ),
    ),
    Request(
        "Open a trade on the desktop's own path: levels from the regime, size from the account",
        "/positions/open",
        200,
        "POST",
        '{"symbol":"AAPL","entry_price":150,"market_data":{"vix":18.5,"true_range":2.5}}',
        shows=(
            "regime",
            "stop_level",
            "profit_targets",
            "expected_hold_days",
            "sizing.shares",
            "sizing.risk_pct",
            "sizing.binding",
            "sizing.caps.name=shares",
        ),
    ),
    Request(
        "Send it a bar: a quarter is sold at the first target, the stop rises to break-even",
        "/positions/update",
        200,
        "PUT",
        '{"symbol":"AAPL","current_price_data":{"high":170,"low":149,"close":169}}',
        shows=(
            "actions.action",
            "actions.quantity",
            "position_status",
            "realized_pnl",
            "remaining_position",
            "stop_level",
        ),
    ),
    Request(
        "Close the rest by hand",
        "/positions/AAPL/close",
        200,
        "POST",
        '{"price":169}',
        shows=("actions.action", "position_status", "final_pnl", "pnl_amount"),
    ),
    Request(
        "See what the account earned; what cannot be known yet says why",
        "/performance",
        shows=(
            "total_return_pct",
            "current_drawdown",
            "total_trades",
            "win_rate",
            "sharpe_ratio",
            "reasons.sharpe_ratio",
            "targets",
        ),
    ),
    Request(
        "Write a report into the data folder",
        "/export-report",
        method="POST",
        shows=("report_summary.total_trades", "format", "total_events"),
    ),
    Request(
        "Start the simulation on prices given by hand",
        "/api/v1/simulation/start",
        200,
        "POST",
        '{"price_source":"manual"}',
        shows=("running", "mode", "price_source", "equity", "positions_count"),
    ),
    Request(
        "Say what Bitcoin costs",
        "/api/v1/simulation/prices",
        200,
        "POST",
        '{"prices":[{"symbol":"BTC","bid":49995,"ask":50005,"mark":50000}]}',
    ),
    Request(
        "Buy on paper, with a stop and a target",
        "/api/v1/simulation/orders",
        201,
        "POST",
        '{"symbol":"BTC","side":"BUY","quantity":0.1,"stop_loss":49000,"take_profit":54000}',
        "paper-order",
        shows=(
            "instrument",
            "status",
            "filled_qty",
            "avg_fill_price",
            "fees",
            "checks.code=status",
        ),
    ),
    Request(
        "Read the paper account",
        "/api/v1/simulation/portfolio",
        shows=("total_value", "cash", "unrealized_pnl", "fees", "used_margin", "available"),
    ),
    Request(
        "Ask how the service is",
        "/api/v1/status/health/detailed",
        shows=(
            "status",
            "version",
            "components.database.status",
            "components.jobs.status",
            "components.calendar_xnys.status",
        ),
    ),
    Console("Verify event chain, ledger and books", "doctor"),
    Console("Back up while the service runs", "backup"),
)


def command_of(step: Step) -> str:
    """The step as the pages show it, for a shell with URL, AUTH, JSON, EX_DATE and field set."""
    if isinstance(step, Console):
        return f".venv/bin/python -m app.cli {step.command}"
    words = [f"curl {_flags(step)} $URL{step.path}"]
    if not step.is_public:
        words.append('-H "$AUTH"')
    if step.body is not None:
        words.append('-H "$JSON"')
    if step.key is not None:
        words.append(f"-H 'Idempotency-Key: {step.key}'")
    if step.body is not None:
        words.append("-d '" + step.body.replace("$EX_DATE", "'$EX_DATE'") + "'")
    if step.upload is not None:
        words += [f"-F file=@{step.upload.file}", f"-F 'spec={step.upload.spec}'"]
    if step.keeps is not None:
        words[0] = f"{step.keeps.name}=$({words[0]}"
        words.append(f"| tee /dev/stderr | field {step.keeps.member})")
    return _folded(words)


def _flags(step: Request) -> str:
    if step.path.endswith("/stream"):
        return "-sN"
    is_bare = step.body is None and step.upload is None
    implied = "GET" if is_bare else "POST"
    return "-s" if step.method == implied else f"-s -X {step.method}"


def _folded(words: Sequence[str]) -> str:
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + len(word) + 3 <= LINE_MAX:
            lines[-1] += f" {word}"
        else:
            lines.append(f"  {word}")
    return " \\\n".join(lines)
