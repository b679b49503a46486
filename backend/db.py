"""The database: an SQLAlchemy engine for most of the work, and a bare asyncpg pool for the paths where every microsecond counts."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

log = structlog.get_logger(__name__)

T = TypeVar("T")

AfterCommit = Callable[[], Awaitable[None]]
_AFTER_COMMIT = "after_commit"
_TRIES = 5


def encode_json(value: Any) -> str:
    """JSON text that keeps key order and exact integers. Raises ValueError for NaN and Infinity."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def readable(column: str) -> str:
    """SQL: a json `column` to look inside of.

    A json value may hold NUL (`\\u0000`), but PostgreSQL's operators on it raise then, wherever in it they look.
    """
    return rf"replace({column}::text, '\u0000', '\u0001')::json"


def after_commit(session: AsyncSession, effect: AfterCommit) -> None:
    """Run `effect` once the session's transaction is committed: what leaves the process must not run ahead of the database."""
    session.info.setdefault(_AFTER_COMMIT, []).append(effect)


async def commit(session: AsyncSession) -> None:
    """Commits what the session has done so far, and runs its effects. It may go on, in a transaction of its own."""
    await session.commit()
    effects: list[AfterCommit] = session.info.pop(_AFTER_COMMIT, [])
    for effect in effects:
        await effect()


async def despite_deadlocks(session: AsyncSession, work: Callable[[], Awaitable[T]]) -> T:
    """What `work` gives, done in a savepoint: where it waits for somebody who waits for it, it lets go and begins again.

    Whoever locks rows in an order of their own may meet a batch of reports, which locks them in any. What `work` raises takes back what
    it wrote, locked and left for after the commit.
    """
    effects: list[AfterCommit] = session.info.setdefault(_AFTER_COMMIT, [])
    before = len(effects)
    for tries_left in reversed(range(_TRIES)):
        try:
            async with session.begin_nested():
                return await work()
        except Exception as error:
            del effects[before:]
            if not tries_left or not is_deadlock(error):
                raise
    raise AssertionError("the last try returns or raises")


async def _nothing(_: object) -> None:
    """Statements on the hot pool set, lock and listen to nothing that outlives their transaction; a reset is a round trip each."""


COMMAND_TIMEOUT_S = 15.0
"""A statement without an answer for so long has lost its connection, or its database: without a limit, whatever waits for it would wait
for ever, the sweep too. What timed out is given up after as long again. Leases hold for longer."""
_LONG_COMMAND_TIMEOUT_S = 30.0
_CONNECT_TIMEOUT_S = 10.0
_IDLE_S, _PROBES, _UNHEARD_S = 10, 3, 15


async def _notice_silence(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Lets the kernel end the connection when the other side is gone without a word: asked after 10 s of silence, given up after 15."""
    transport: asyncio.Transport = connection._transport  # type: ignore[attr-defined]  # asyncpg has no other way to its socket
    sock = transport.get_extra_info("socket")
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    options = (("TCP_KEEPIDLE", _IDLE_S), ("TCP_KEEPINTVL", _UNHEARD_S // _PROBES), ("TCP_KEEPCNT", _PROBES))
    for name, value in (*options, ("TCP_USER_TIMEOUT", _UNHEARD_S * 1000)):
        if hasattr(socket, name):  # not every system has all of them
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def is_away(error: BaseException) -> bool:
    """Whether this says that the database can't be reached, or is stopping: the same request may succeed a little later."""
    return (isinstance(error, DBAPIError) and error.connection_invalidated) or isinstance(_told(error), _AWAY)


def is_deadlock(error: BaseException) -> bool:
    """Whether this says that two waited for each other, and PostgreSQL let the other one go on: the same again comes after that."""
    return isinstance(_told(error), asyncpg.DeadlockDetectedError)


def _told(error: BaseException) -> BaseException:
    """What the driver said, where SQLAlchemy has wrapped it."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig.__cause__ or error.orig
    return error


_AWAY = (
    OSError,  # no route, refused, reset, timed out: requests touch nothing else that could raise it
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # used in the moment between the server's farewell and the end of the connection
)


class Database:
    """Connections to PostgreSQL. `hot` is the asyncpg pool; `session()` is one transaction."""

    def __init__(self, engine: AsyncEngine, hot: "asyncpg.Pool[asyncpg.Record]") -> None:
        self.engine = engine
        self.hot = hot
        self._sessions = async_sessionmaker(engine, expire_on_commit=False, autoflush=False)

    @classmethod
    async def open(cls, dsn: str, *, pool_size: int = 10, hot_size: int = 20) -> "Database":
        """Opens both pools on one address. Connections are made when first needed, and one at once, to fail early."""

        async def connect(*_: Any, **__: Any) -> "asyncpg.Connection[asyncpg.Record]":
            connection = await asyncpg.connect(dsn, timeout=_CONNECT_TIMEOUT_S, command_timeout=_LONG_COMMAND_TIMEOUT_S)
            await _notice_silence(connection)
            return connection

        # One address for both pools, read by asyncpg in both: its query parameters (sslmode, …) mean the same in both.
        engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=connect,
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=True,
            json_serializer=encode_json,
        )
        hot = await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=hot_size,
            max_inactive_connection_lifetime=60,
            timeout=_CONNECT_TIMEOUT_S,
            command_timeout=COMMAND_TIMEOUT_S,
            init=_notice_silence,
            server_settings={"jit": "off"},  # short statements: compiling one takes longer than running it
            reset=_nothing,
        )
        return cls(engine, hot)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed at the end of the block, rolled back by an exception. Effects run after the commit."""
        async with self._sessions() as session:
            yield session
            await commit(session)

    async def close(self) -> None:
        """Closes every connection."""
        await self.hot.close()
        await self.engine.dispose()
