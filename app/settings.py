"""Every knob of the service: one documented field each, from BALLAST_* or `ballast.toml`."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
Names = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """Precedence: arguments, environment, `ballast.toml`, defaults."""

    model_config = SettingsConfigDict(
        env_prefix="BALLAST_", toml_file="ballast.toml", extra="forbid", frozen=True
    )

    host: str = Field("127.0.0.1", description="Address to bind.")
    port: int = Field(8000, ge=0, le=65535, description="Port to bind.")
    workers: int = Field(1, ge=1, le=64, description="API processes; above 1 needs PostgreSQL.")
    data_dir: Path = Field(Path("data"), description="Folder of database, candles, secrets.")
    config_file: Path | None = Field(
        None, description="Desktop configuration; without: `config.json` in the data folder."
    )
    database_url: str = Field("", description="Empty: SQLite in the data folder.")
    migrate_without_backup: bool = Field(
        False, description="Migrate without the backup before it: you have made one yourself."
    )
    redis_url: str = Field("", description="Empty: in-process cache, bus, limits and leases.")
    dask_scheduler: str = Field("", description="Address of a Dask scheduler; empty: local pool.")
    auth: Literal["on", "off"] = Field("on", description="`off` only on loopback.")
    secret: SecretStr | None = Field(None, description="At least 32 bytes; generated if absent.")
    secret_file: Path | None = Field(None, description="File that holds the secret.")
    owner_password_file: Path | None = Field(None, description="Presets the owner's password.")
    allowed_hosts: Names = Field(
        LOOPBACK_NAMES, description="Host names answered, comma-separated."
    )
    cors_origins: Names = Field((), description="Origins browsers may call from, comma-separated.")
    behind_tls_proxy: bool = Field(False, description="A proxy in front terminates TLS.")
    tls_cert_file: Path | None = Field(None, description="Certificate chain, PEM.")
    tls_key_file: Path | None = Field(None, description="Private key, PEM.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Threshold."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="`auto`: console on a terminal, else JSON."
    )
    session_tables: bool = Field(
        True,
        description="Write the sessions of the exchanges at first start, and anew when a month "
        "old. Without them trades and market state answer 503 `calendar_not_ready`.",
    )
    bundled_data: bool = Field(
        True, description="Load the bundled daily series at first start; needs session tables."
    )
    rate_read_per_minute: int = Field(600, ge=1, description="Reads per principal.")
    rate_write_per_minute: int = Field(120, ge=1, description="Writes per principal.")
    rate_orders_per_minute: int = Field(600, ge=1, description="Order submits per principal.")
    rate_auth_per_15_minutes: int = Field(10, ge=1, description="Logins per address.")
    rate_compute_per_minute: int = Field(30, ge=1, description="Job submits per principal.")
    run_jobs: bool = Field(
        True, description="Run jobs in this process; else `ballast worker` does."
    )
    jobs_concurrent: int = Field(
        2, ge=1, le=64, description="Jobs running at once, in each process that runs jobs."
    )
    plan_interval_s: float = Field(
        60, ge=1, le=86_400, description="Seconds between two runs of all balancing plans."
    )
    risk_free_rate: Decimal = Field(
        Decimal(0),
        ge=0,
        le=1,
        description="Rate per year, a fraction, that the Sharpe ratio subtracts.",
    )
    simulation_initial_capital: Decimal = Field(
        Decimal(10_000), ge=100, le=1_000_000_000, description="USDT a new run begins with."
    )
    simulation_commission: Decimal = Field(
        Decimal("0.001"), ge=0, description="Fraction of notional: 0.001 is 0.1 %."
    )
    simulation_slippage: Decimal = Field(
        Decimal("0.0001"), ge=0, description="Fraction of price: 0.0001 is 0.01 %."
    )
    simulation_tick_seconds: int = Field(
        5, ge=1, le=3600, description="Seconds between two turns of the simulation."
    )
    simulation_price_age_max_s: int = Field(
        15, ge=1, le=86_400, description="An older price matches no order of the simulation."
    )
    simulation_max_positions: int = Field(
        5, ge=1, le=1000, description="Instruments the simulation holds at once."
    )
    simulation_risk_per_trade: Decimal = Field(
        Decimal("0.02"), gt=0, description="Fraction of equity a stop may cost."
    )
    simulation_min_reward_risk: Decimal = Field(
        Decimal(3), ge=0, le=100, description="Distance to the target over distance to the stop."
    )
    simulation_require_stop_loss: bool = Field(
        False, description="Refuse new positions of the simulation without a stop."
    )
    simulation_autostart: bool = Field(False, description="Start the simulation with the service.")
    simulation_equity_points: int = Field(
        1000, ge=10, le=100_000, description="Equity points kept in memory."
    )
    simulation_equity_fine_seconds: int = Field(
        60, ge=1, le=86_400, description="Seconds between equity points at first."
    )
    simulation_equity_coarse_seconds: int = Field(
        3600, ge=1, le=86_400, description="Seconds between equity points that stay."
    )
    simulation_equity_fine_days: int = Field(
        7, ge=1, le=365, description="Days the first kind of equity points is kept."
    )
    jobs_queued_max: int = Field(200, ge=1, description="Jobs waiting before 503.")

    @field_validator("allowed_hosts", "cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("simulation_commission", "simulation_slippage", "simulation_risk_per_trade")
    @classmethod
    def _fraction(cls, value: Decimal) -> Decimal:
        if value > 1:
            raise ValueError(f"a fraction from 0 to 1: 0.1 % is 0.001, {value} is {value * 100} %")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def database_address(self) -> str:
        """Where the store is."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'ballast.db'}"
