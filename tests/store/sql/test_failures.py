"""What a driver's error means."""

from __future__ import annotations

import sqlite3

import asyncpg
import pytest
from sqlalchemy import exc

from bot.errors import StoreBusy, StoreError, StoreFull, StoreUnavailable
from store.sql.failures import Taken, failure, translate_connect_errors, translate_errors


def from_sqlite(code, words="as the driver says"):
    error = sqlite3.OperationalError(words)
    error.sqlite_errorcode = code
    return exc.OperationalError("SELECT secret", {"secret": "hunter2"}, error)


def from_postgres(state):
    error = asyncpg.PostgresError("as the driver says")
    error.sqlstate = state
    return exc.DBAPIError("SELECT 1", {}, error)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_BUSY, StoreBusy),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, StoreBusy),
        (sqlite3.SQLITE_LOCKED, StoreBusy),
        (sqlite3.SQLITE_FULL, StoreFull),
        (sqlite3.SQLITE_CANTOPEN, StoreUnavailable),
        (sqlite3.SQLITE_IOERR_FSYNC, StoreUnavailable),
        (sqlite3.SQLITE_READONLY, StoreUnavailable),
        (sqlite3.SQLITE_CORRUPT, StoreUnavailable),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, Taken),
        (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, Taken),
        (sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY, StoreError),
        (sqlite3.SQLITE_ERROR, StoreError),
    ],
)
def test_sqlites_result_codes(code, kind):
    assert type(failure(from_sqlite(code))) is kind


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("40001", StoreBusy),
        ("40P01", StoreBusy),
        ("55P03", StoreBusy),
        ("57014", StoreBusy),
        ("53100", StoreFull),
        ("53300", StoreUnavailable),
        ("57P01", StoreUnavailable),
        ("57P03", StoreUnavailable),
        ("08006", StoreUnavailable),
        ("28P01", StoreUnavailable),
        ("3D000", StoreUnavailable),
        ("25P03", StoreUnavailable),
        ("23505", Taken),
        ("23503", StoreError),
        ("42P01", StoreError),
    ],
)
def test_postgres_states(state, kind):
    assert type(failure(from_postgres(state))) is kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (exc.TimeoutError("the pool is used up"), StoreBusy),
        (ConnectionRefusedError("no server"), StoreUnavailable),
        (TimeoutError(), StoreUnavailable),
        (asyncpg.InterfaceError("closed"), StoreUnavailable),
        (asyncpg.CannotConnectNowError("starting up"), StoreUnavailable),
        (exc.DBAPIError("SELECT 1", {}, Exception("gone"), connection_invalidated=True), StoreUnavailable),
        (exc.InvalidRequestError("a bug"), StoreError),
    ],
)
def test_errors_without_a_code(error, kind):
    assert type(failure(error)) is kind


def test_a_failure_says_what_to_do_and_the_drivers_words_but_never_the_values():
    said = str(failure(from_sqlite(sqlite3.SQLITE_FULL, "database or disk is full")))
    assert "free disk space" in said
    assert "database or disk is full" in said
    assert "hunter2" not in said


@pytest.mark.parametrize("translate", [translate_errors, translate_connect_errors])
def test_only_the_databases_errors_are_translated(translate):
    with pytest.raises(KeyError), translate():
        raise KeyError
    with pytest.raises(StoreFull), translate():
        raise from_sqlite(sqlite3.SQLITE_FULL)


def test_a_refused_connection_is_the_databases_only_while_connecting():
    with pytest.raises(StoreUnavailable), translate_connect_errors():
        raise ConnectionRefusedError
    with pytest.raises(ConnectionRefusedError), translate_errors():
        raise ConnectionRefusedError
