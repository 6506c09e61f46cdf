"""Every setting: its name in the environment, its type and default, and why. Nothing else reads the environment."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from bot.errors import SettingsInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable

SLACK_API = "https://slack.com/api/"
SECRETS = ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN", "NOMATRON_SECRET")
SECRET_FILE = "nomatron.secret"  # noqa: S105 -- the name of a file
_SECRET_BYTES = 32


class Settings(BaseSettings):
    """The settings of a process. A secret may be given as ``NAME_FILE``, the path of a file that holds it."""

    model_config = SettingsConfigDict(case_sensitive=True, extra="ignore", frozen=True)

    slack_bot_token: SecretStr = Field(default=SecretStr(""), alias="SLACK_BOT_TOKEN")
    slack_signing_secret: Annotated[tuple[SecretStr, ...], NoDecode] = Field(default=(), alias="SLACK_SIGNING_SECRET")
    slack_app_token: SecretStr = Field(default=SecretStr(""), alias="SLACK_APP_TOKEN")
    slack_api_url: str = Field(default=SLACK_API, alias="SLACK_API_URL")
    catalog: Path = Field(default=Path("catalog"), alias="NOMATRON_CATALOG")
    database_url: str = Field(default="sqlite+aiosqlite:///nomatron.db", alias="NOMATRON_DATABASE_URL")
    host: str = Field(default="127.0.0.1", alias="NOMATRON_HOST")
    port: int = Field(default=3000, ge=0, le=65535, alias="PORT")
    secret: SecretStr = Field(default=SecretStr(""), alias="NOMATRON_SECRET")
    lease_seconds: float = Field(default=60, ge=1, le=600, alias="NOMATRON_LEASE_SECONDS")
    write_timeout_seconds: float = Field(default=20, ge=1, le=300, alias="NOMATRON_NOMAD_WRITE_TIMEOUT_SECONDS")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 -- the library's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what ``read`` gives: the library would look into the environment once more, past what was left out."""
        return (init_settings,)

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
        """How long a worker holds a deploy without a sign of life."""
        return timedelta(seconds=self.lease_seconds)

    @property
    def write_timeout(self) -> timedelta:
        """How long a register may take before its outcome counts as unknown."""
        return timedelta(seconds=self.write_timeout_seconds)

    def for_slack(self) -> Settings:
        """These settings, checked for a process that talks to Slack; ``SettingsInvalid`` names what is missing."""
        wrong = [
            f"{name} is not set: {mend}"
            for name, given, mend in (
                ("SLACK_BOT_TOKEN", self.slack_bot_token.get_secret_value(), "the app's bot token (xoxb-…)"),
                ("SLACK_SIGNING_SECRET", self.slack_signing_secret, "from the app's Basic Information page"),
            )
            if not given
        ]
        if self.slack_app_token.get_secret_value():
            wrong.append(
                "SLACK_APP_TOKEN is set, but Socket Mode is not there yet: take it out and let Slack reach "
                "POST /slack/events over HTTP"
            )
        if len(self.slack_signing_secret) > 2:
            wrong.append("SLACK_SIGNING_SECRET: at most two, comma-separated, while rotating")
        if wrong:
            raise SettingsInvalid("\n".join(wrong))
        return self


def read(environment: dict[str, str] | None = None) -> Settings:
    """The settings of this process; ``SettingsInvalid`` with a line for each that cannot be used."""
    given = dict(os.environ if environment is None else environment)
    values = {name: value for name, value in given.items() if value}
    for field in Settings.model_fields.values():
        name = field.alias or ""
        path = values.get(f"{name}_FILE")
        if name not in values and path:
            values[name] = _secret_in(path, f"{name}_FILE")
    if "NOMATRON_DATABASE_URL" not in values and "DATABASE_URL" in values:
        values["NOMATRON_DATABASE_URL"] = values["DATABASE_URL"]
    try:
        return Settings.model_validate({k: v for k, v in values.items() if k in _NAMES})
    except ValidationError as error:
        lines = (f"{each['loc'][0]}: {each['msg']}" for each in error.errors(include_input=False))
        raise SettingsInvalid("\n".join(lines)) from None


def read_leniently(environment: dict[str, str] | None = None) -> tuple[Settings, tuple[str, ...]]:
    """The settings without those that cannot be used, and a line for each of these: for who looks what is wrong."""
    given = dict(os.environ if environment is None else environment)
    wrong: list[str] = []
    while True:
        try:
            return read(given), tuple(wrong)
        except SettingsInvalid as error:
            lines = str(error).splitlines()
            wrong += lines
            for line in lines:
                name = line.partition(":")[0]
                given.pop(name, None)
                given.pop(f"{name}_FILE", None)


def files_of(names: Iterable[str], environment: dict[str, str] | None = None) -> tuple[Path, ...]:
    """The files that hold settings of these names, where ``NAME_FILE`` is what counts."""
    given = os.environ if environment is None else environment
    return tuple(Path(given[f"{name}_FILE"]) for name in names if not given.get(name) and given.get(f"{name}_FILE"))


_NAMES = frozenset(field.alias for field in Settings.model_fields.values())


def token_of(name: str | None) -> str | None:
    """A cluster's Nomad token, by the name that its ``token_env`` gives; None where it names none.

    ``SettingsInvalid`` where it names one that is not set: a cluster with a token must not be talked to without.
    """
    if name is None:
        return None
    value = os.environ.get(name)
    path = os.environ.get(f"{name}_FILE")
    if value:
        return value
    if path:
        return _secret_in(path, f"{name}_FILE")
    raise SettingsInvalid(f"{name} is not set: the catalog's cluster names it as its Nomad token")


def _secret_in(path: str, name: str) -> str:
    try:
        return Path(path).read_text("utf-8").strip()
    except OSError as error:
        raise SettingsInvalid(f"{name}: {path} cannot be read ({error.strerror})") from None


def secret_beside(settings: Settings, database: Path | None) -> bytes:
    """The key of redaction: ``NOMATRON_SECRET``, else a file beside the SQLite database, made (0600) where missing.

    ``SettingsInvalid`` where it is shorter than 32 bytes, or there is neither.
    """
    given = settings.secret.get_secret_value().encode()
    if not given and database is not None:
        given = _kept_secret(database.with_name(SECRET_FILE))
    if not given:
        raise SettingsInvalid("NOMATRON_SECRET is not set: 32 random bytes or more, the same for every replica")
    if len(given) < _SECRET_BYTES:
        raise SettingsInvalid(f"NOMATRON_SECRET has {len(given)} bytes: it needs {_SECRET_BYTES} or more")
    return given


def _kept_secret(file: Path) -> bytes:
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as made:
            made.write(os.urandom(_SECRET_BYTES).hex().encode())
    except FileExistsError:
        pass
    return file.read_bytes().strip()
