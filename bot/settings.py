"""Every setting: its name in the environment, its type and its default. Nothing else reads the environment."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from bot.errors import SettingsInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable

SLACK_API = "https://slack.com/api/"
SECRETS = ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN", "NOMATRON_SECRET")
SECRET_FILE = "nomatron.secret"  # noqa: S105 -- the name of a file
_SECRET_BYTES = 32


class Settings(BaseModel):
    """The settings of a process. A secret may be given as ``NAME_FILE``, the path of a file that holds it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    slack_bot_token: SecretStr = Field(default=SecretStr(""), alias="SLACK_BOT_TOKEN")
    slack_signing_secret: tuple[SecretStr, ...] = Field(default=(), alias="SLACK_SIGNING_SECRET")
    slack_app_token: SecretStr = Field(default=SecretStr(""), alias="SLACK_APP_TOKEN")
    slack_api_url: str = Field(default=SLACK_API, alias="SLACK_API_URL")
    catalog: Path = Field(default=Path("catalog"), alias="NOMATRON_CATALOG")
    database_url: str = Field(default="sqlite+aiosqlite:///nomatron.db", alias="NOMATRON_DATABASE_URL")
    host: str = Field(default="127.0.0.1", alias="NOMATRON_HOST")
    port: int = Field(default=3000, ge=0, le=65535, alias="PORT")
    secret: SecretStr = Field(default=SecretStr(""), alias="NOMATRON_SECRET")
    lease_seconds: float = Field(default=60, ge=1, le=600, alias="NOMATRON_LEASE_SECONDS")
    write_timeout_seconds: float = Field(default=20, ge=1, le=300, alias="NOMATRON_NOMAD_WRITE_TIMEOUT_SECONDS")
    retention_days: int = Field(default=90, ge=1, le=36500, alias="NOMATRON_RETENTION_DAYS")

    @field_validator("slack_signing_secret", mode="before")
    @classmethod
    def _two_while_rotating(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("slack_api_url")
    @classmethod
    def _one_last_slash(cls, value: str) -> str:
        return value.rstrip("/") + "/"

    @property
    def lease(self) -> timedelta:
        """How long a worker's claim on a deploy lasts if the worker does not renew it."""
        return timedelta(seconds=self.lease_seconds)

    @property
    def write_timeout(self) -> timedelta:
        """How long registering a job may take before its outcome counts as unknown."""
        return timedelta(seconds=self.write_timeout_seconds)

    @property
    def retention(self) -> timedelta:
        """How long the frozen job of an ended deploy is kept at least."""
        return timedelta(days=self.retention_days)

    def for_slack(self) -> Settings:
        """These settings, if a process can talk to Slack with them; else ``SettingsInvalid``, a line per problem."""
        problems = [
            f"{name} is not set: set it to {what}"
            for name, given, what in (
                ("SLACK_BOT_TOKEN", self.slack_bot_token.get_secret_value(), "the app's bot token (xoxb-…)"),
                ("SLACK_SIGNING_SECRET", self.slack_signing_secret, "the one on the app's Basic Information page"),
            )
            if not given
        ]
        if self.slack_app_token.get_secret_value():
            problems.append(
                "SLACK_APP_TOKEN is set, but Socket Mode isn't available yet: unset it, and let Slack send requests "
                "to POST /slack/events"
            )
        if len(self.slack_signing_secret) > 2:
            problems.append("SLACK_SIGNING_SECRET has more than two secrets: give the new one and the old one")
        if problems:
            raise SettingsInvalid("\n".join(problems))
        return self


def read(environment: dict[str, str] | None = None) -> Settings:
    """The settings of this process; ``SettingsInvalid`` with a line for each setting that has a problem."""
    settings, problems = read_leniently(environment)
    if problems:
        raise SettingsInvalid("\n".join(problems))
    return settings


def read_leniently(environment: dict[str, str] | None = None) -> tuple[Settings, tuple[str, ...]]:
    """The settings, with the default for each one that has a problem, and a line for each problem.

    For ``doctor``, which reports the problems and examines the rest.
    """
    given = os.environ if environment is None else environment
    values = {name: value for name, value in given.items() if value}
    problems: list[str] = []
    for name in _NAMES:
        path = values.get(f"{name}_FILE")
        if path and name not in values:
            try:
                values[name] = _secret_in(path, f"{name}_FILE")
            except SettingsInvalid as error:
                problems.append(str(error))
    if "DATABASE_URL" in values:
        values.setdefault("NOMATRON_DATABASE_URL", values["DATABASE_URL"])
    try:
        return Settings.model_validate(values), tuple(problems)
    except ValidationError as error:
        for each in error.errors(include_input=False):
            name = str(each["loc"][0])
            problems.append(f"{name}: {each['msg']}")
            values.pop(name, None)
    return Settings.model_validate(values), tuple(problems)


def files_of(names: Iterable[str], environment: dict[str, str] | None = None) -> tuple[Path, ...]:
    """The files that hold these settings: ``NAME_FILE`` of each name that has no value of its own."""
    given = os.environ if environment is None else environment
    return tuple(Path(given[f"{name}_FILE"]) for name in names if not given.get(name) and given.get(f"{name}_FILE"))


_NAMES = tuple(str(field.alias) for field in Settings.model_fields.values())


def token_of(name: str | None) -> str | None:
    """A cluster's Nomad token: the value of the variable that its ``token_env`` names; None if it names none.

    ``SettingsInvalid`` if that variable is not set: Nomatron never talks to such a cluster without its token.
    """
    if name is None:
        return None
    value = os.environ.get(name)
    path = os.environ.get(f"{name}_FILE")
    if value:
        return value
    if path:
        return _secret_in(path, f"{name}_FILE")
    raise SettingsInvalid(f"{name} is not set: a cluster of the catalog names it in token_env; set it to a Nomad token")


def _secret_in(path: str, name: str) -> str:
    try:
        return Path(path).read_text("utf-8").strip()
    except OSError as error:
        raise SettingsInvalid(f"{name}: {path} cannot be read ({error.strerror})") from None


def secret_beside(settings: Settings, database: Path | None) -> bytes:
    """The key of redaction: ``NOMATRON_SECRET``, else a file beside the SQLite database, created (0600) if missing.

    ``SettingsInvalid`` if it is shorter than 32 bytes, or if there is neither.
    """
    given = settings.secret.get_secret_value().encode()
    if not given and database is not None:
        given = _read_or_create(database.with_name(SECRET_FILE))
    if not given:
        raise SettingsInvalid("NOMATRON_SECRET is not set: give every replica the same 32 random bytes or more")
    if len(given) < _SECRET_BYTES:
        raise SettingsInvalid(f"NOMATRON_SECRET has {len(given)} bytes: set it to {_SECRET_BYTES} random bytes or more")
    return given


def _read_or_create(file: Path) -> bytes:
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as made:
            made.write(os.urandom(_SECRET_BYTES).hex().encode())
    except FileExistsError:
        pass
    return file.read_bytes().strip()
