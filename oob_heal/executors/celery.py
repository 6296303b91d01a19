"""Heals by workers of Celery, on the app that you give it.

Law: nothing here that is not about Celery; outbox, lease and event are ``QueueExecutor``'s.
Publishing may block, and is done by the outbox's publisher alone. What makes Celery safe for
heals is settings, told by ``safe_settings``: nothing is set behind the application's back.
"""

from __future__ import annotations

from typing import Any

from typing_extensions import Unpack

from oob_heal.executors.queue import QueueExecutor, QueueOptions

try:
    import celery
    from kombu import pools
except ImportError as missing:
    raise ImportError(
        "oob_heal.executors.celery needs Celery: pip install 'oob_heal[celery]'"
    ) from missing

LEASE = 31  # s, of a heal with the default heal_timeout
RESTORE_EVERY = 2  # s between two looks at what a killed worker held


def safe_settings(*, visibility_timeout: int = 2 * LEASE) -> dict[str, Any]:
    """Settings for an app whose workers heal: ``app.conf.update(safe_settings())``.

    A worker acknowledges what it has done and takes one message at a time; nobody stores a
    result; no call of the broker blocks for more than a few seconds. ``visibility_timeout``, in
    seconds, is for Redis: after so long a message that a killed worker held is delivered again.
    It should exceed the lease (``heal_timeout`` and a second), else a heal that is only slow is
    delivered twice, and the second is refused. Options of the transport that you have yourself
    belong into the same dictionary, ``broker_transport_options``.
    Source: https://docs.celeryq.dev/en/stable/userguide/configuration.html.

    >>> safe_settings()["task_acks_late"]
    True
    """
    return {
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_ignore_result": True,
        "worker_prefetch_multiplier": 1,
        "task_publish_retry": False,  # the next read is the retry
        "broker_connection_timeout": 2,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # a worker waits for its broker as long as it takes
        "worker_cancel_long_running_tasks_on_connection_loss": False,  # the lease bounds a heal
        "broker_transport_options": {
            "visibility_timeout": visibility_timeout,
            "unacked_restore_interval": RESTORE_EVERY,
            "unacked_restore_throttle": 1,
            "socket_connect_timeout": 2,
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0.1,
            "interval_max": 0.1,
        },
    }


class CeleryExecutor(QueueExecutor):
    """Sends events through a Celery app; ``serve`` makes its workers heal.

    ``app`` is your own, ``task`` the name of the one task that carries heals: give each cache on
    one app a name of its own. ``queue`` is where events go, the app's default queue unless given:
    one of their own keeps heals from waiting behind other work. The other options are
    ``QueueExecutor``'s.

    >>> executor = CeleryExecutor(celery.Celery(broker="memory://"), task="shop.heal")
    >>> executor.task
    'shop.heal'
    >>> executor.close()
    """

    def __init__(
        self,
        app: Any,
        *,
        task: str = "oob_heal.heal",
        queue: str | None = None,
        **options: Unpack[QueueOptions],
    ) -> None:
        if not isinstance(app, celery.Celery):
            raise TypeError(f"app must be a Celery app, not {type(app).__name__}")
        self.app = app
        self.task = task
        self._parents: list[Any] = []  # pools, in a child
        self._route = {} if queue is None else {"queue": queue}
        super().__init__(self._send, **options)

    def _send(self, payload: bytes) -> None:
        text = payload.decode("ascii")
        self.app.send_task(self.task, args=(text,), ignore_result=True, retry=False, **self._route)

    def after_fork(self, consistent: bool) -> None:
        """In the child: the connections to the broker are the parent's, and are neither used nor
        closed. Celery lets go of them itself where multiprocessing forks, and there alone."""
        super().after_fork(consistent)
        amqp = vars(self.app).get("amqp")  # None: nothing was sent yet
        kept = (getattr(self.app, "_pool", None), getattr(amqp, "_producer_pool", None))
        self._parents.extend(pool for pool in kept if pool is not None)
        for group in (pools.connections, pools.producers):
            for connection, pool in list(group.items()):
                if any(pool is each for each in self._parents):
                    dict.pop(group, connection)
        self.app._pool = None
        if amqp is not None:
            amqp._producer_pool = None

    def serve(self, cache: Any) -> None:
        """Have the workers of this app heal for ``cache``: call it where both are made.

        In the service it only registers a name. A second cache is refused: TypeError.
        """
        if self.task in self.app._tasks:
            raise TypeError(
                f"the task {self.task!r} of this app heals for a cache already; give the other "
                f"cache an executor of its own, with another task="
            )

        def heal(payload: Any = None) -> None:
            cache.heal_message(payload)

        self.app.task(
            heal,
            name=self.task,
            shared=False,
            lazy=False,
            acks_late=True,
            reject_on_worker_lost=True,
            ignore_result=True,
        )
