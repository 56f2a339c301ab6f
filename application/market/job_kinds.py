"""Jobs of market data, by the dotted path of what a child runs.

`import_candles` takes `{"upload": "name in <data>/imports", "import": ImportSpec document}`;
`load_bundled` takes `{}` and is safe to run again. `import_breadth` takes `{"upload": …, "import":
BreadthSpec document}`, `compute_breadth` a BreadthUniverse document.
"""

from application.jobs.kinds import JobKind

UPLOAD_FOLDER = "imports"

IMPORT_CANDLES = JobKind(
    name="import_candles",
    run="infrastructure.market_data.market_jobs.run_import",
    engine_version="1",
    memory_mb_max=2048,
    timeout_s=900,
    result_url="/api/v1/data/imports/{job_id}/report",
)
LOAD_BUNDLED = JobKind(
    name="load_bundled",
    run="infrastructure.market_data.market_jobs.run_bundled",
    engine_version="1",
    timeout_s=300,
)
IMPORT_BREADTH = JobKind(
    name="import_breadth",
    run="infrastructure.market_data.breadth_jobs.run_import",
    engine_version="1",
    timeout_s=300,
)
COMPUTE_BREADTH = JobKind(
    name="compute_breadth",
    run="infrastructure.market_data.breadth_jobs.run_compute",
    engine_version="1",
    memory_mb_max=2048,
    timeout_s=600,
)
MARKET_JOB_KINDS = (IMPORT_CANDLES, LOAD_BUNDLED, IMPORT_BREADTH, COMPUTE_BREADTH)
