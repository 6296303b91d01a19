"""What carries a heal's conversation out: one driver a colour.

Law: no rule stands here. A driver does each step, tells the conversation how it went, and calls
the function in an empty context, inside ``around=``, so that nothing of the request reaches it.
Source of the shape: sans-I/O, https://sans-io.readthedocs.io.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import anyio
import anyio.lowlevel

from oob_heal._core import Core, healing
from oob_heal._loops import in_trio
from oob_heal._model import Outcome
from oob_heal._steps import Ask, Call, Conversation, CutOff, End, Pause, Step, Subject
from oob_heal.errors import HealTimeoutError, OobHealError
from oob_heal.observe import traceparent

Sender = Callable[[bytes], Any]


def _empty_context(subject: Subject) -> contextvars.Context:
    """Nothing of the request but the chain of keys being healed, and the trace it is part of."""
    context = contextvars.Context()
    context.run(healing.set, (*healing.get(), subject.key))
    if subject.traceparent is not None:
        context.run(traceparent.set, subject.traceparent)
    if subject.span is not None:
        context.run(_enter, subject.span)
    return context


def _enter(span: Any) -> None:
    try:
        span.enter()
    except Exception:  # who traces is nobody's trouble
        pass


def _swallowed(core: Core) -> OobHealError:
    return OobHealError(f"around= of {core.label} swallowed an error of the function")


def _call(core: Core, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if core.around is None:
        return core.fn(*args, **kwargs)
    with core.around():
        return core.fn(*args, **kwargs)
    raise _swallowed(core)


async def _acall(core: Core, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if core.around is None:
        return await core.fn(*args, **kwargs)
    manager = core.around()
    if hasattr(manager, "__aenter__"):
        async with manager:
            return await core.fn(*args, **kwargs)
    else:
        with manager:
            return await core.fn(*args, **kwargs)
    raise _swallowed(core)


class _Within:
    """Awaits a coroutine inside a context of its own, in the same task."""

    def __init__(self, context: contextvars.Context, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.context = context
        self.coroutine = coroutine
        self.closed = False  # from outside: its loop is gone

    def __await__(self) -> Generator[Any, Any, Any]:
        resume: Callable[..., Any] = self.coroutine.send
        told: Any = None
        while True:
            try:
                asked = self.context.run(resume, told)
            except StopIteration as stop:
                return stop.value
            except GeneratorExit as error:
                if isinstance(told, GeneratorExit):
                    self.closed = True
                    raise
                raise RuntimeError("the function raised GeneratorExit") from error
            try:
                resume, told = self.coroutine.send, (yield asked)
            except BaseException as error:
                resume, told = self.coroutine.throw, error


def drive(subject: Subject, conversation: Generator[Step, Any, Any]) -> Any:
    """Carry a conversation out in this thread; how it ended."""
    advance: Callable[[Any], Step] = conversation.send
    told: Any = None
    while True:
        try:
            step = advance(told)
        except StopIteration as stop:
            return stop.value
        try:
            advance, told = conversation.send, _do(subject, step)
        except BaseException as error:
            advance, told = conversation.throw, error


def _do(subject: Subject, step: Step) -> Any:
    core = subject.core
    if isinstance(step, Ask):
        return (step.of or core.shelf).ask(step.verb, *step.args, **step.kwargs)
    if isinstance(step, Call):
        try:
            return _empty_context(subject).run(_call, core, subject.args, subject.kwargs)
        except GeneratorExit as error:  # it would close the conversation
            raise RuntimeError("the function raised GeneratorExit") from error
    if isinstance(step, Pause):
        return core.parts.sleep(step.seconds)
    raise TypeError("an event is sent by the publisher's task")


async def adrive(
    subject: Subject, conversation: Conversation, send: Sender | None = None
) -> tuple[End, BaseException | None]:
    """Carry a conversation out in this task.

    Cancelled, it goes on to its end (the lease is given back), and returns the cancellation too,
    for the caller to raise.
    """
    advance: Callable[[Any], Step] = conversation.send
    told: Any = None
    cut: BaseException | None = None
    while True:
        try:
            step = advance(told)
        except StopIteration as stop:
            return stop.value, cut
        except CutOff:  # cut off while it asked for a lease, or waited: nothing to give back
            return End(Outcome.LOST), cut
        try:
            if cut is not None:
                with anyio.CancelScope(shield=True):
                    advance, told = conversation.send, await _ado(subject, step, send)
            elif isinstance(step, Ask) and step.verb == "acquire" and not subject.core.shelf.prompt:
                told, cut = await _to_its_end(_ado(subject, step, send))
                advance = conversation.send if cut is None else _cutting(conversation)
            else:
                advance, told = conversation.send, await _ado(subject, step, send)
        except GeneratorExit:  # the loop is gone: nothing can be awaited any more
            conversation.close()
            raise
        except BaseException as error:
            advance, told = conversation.throw, error
            if _cancelled(error):
                cut, told = error, CutOff()


async def _to_its_end(work: Coroutine[Any, Any, Any]) -> tuple[Any, BaseException | None]:
    """What work brings, though this task be cancelled meanwhile, and that cancellation.

    For asking for a lease: cut short, it could be granted with nobody to give it back. The
    backend's deadline bounds it. Once the loop itself ends, the lease lapses.
    """
    cut: BaseException | None = None
    if in_trio():
        brought = None
        with anyio.CancelScope(shield=True):
            brought = await work
        try:
            await anyio.lowlevel.checkpoint_if_cancelled()
        except anyio.get_cancelled_exc_class() as error:
            cut = error
        return brought, cut
    task = asyncio.ensure_future(work)
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # as gather does
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cut = error
        except GeneratorExit:  # the loop was closed over it
            work.close()
            raise
    if cut is not None and (task.cancelled() or task.exception() is not None):
        raise cut
    return task.result(), cut


def _cutting(conversation: Conversation) -> Callable[[Any], Step]:
    """Tell the conversation, and cut it off at the step that it wants next."""

    def advance(told: Any) -> Step:
        conversation.send(told)
        return conversation.throw(CutOff())

    return advance


async def _ado(subject: Subject, step: Step, send: Sender | None) -> Any:
    core = subject.core
    if isinstance(step, Ask):
        return await (step.of or core.shelf).aask_aside(step.verb, *step.args, **step.kwargs)
    if isinstance(step, Call):
        return await _in_time(subject)
    if isinstance(step, Pause):
        return await core.parts.asleep(step.seconds)
    if send is None:
        raise TypeError("an event is sent by the publisher's task")
    sent = send(step.payload)
    return await sent if inspect.isawaitable(sent) else sent


async def _in_time(subject: Subject) -> Any:
    core = subject.core
    within = _Within(_empty_context(subject), _acall(core, subject.args, subject.kwargs))
    try:
        with anyio.move_on_after(core.policy.heal_timeout):
            return await within
    except BaseException:
        if within.closed:  # the scope cannot be left in order then, and says so
            raise GeneratorExit from None
        raise
    raise HealTimeoutError(f"a heal of {core.label} took longer than heal_timeout")


def _cancelled(error: BaseException) -> bool:
    """Whether this task is cancelled; a function may raise CancelledError of its own."""
    if not isinstance(error, anyio.get_cancelled_exc_class()):
        return False
    if in_trio():
        return True
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
