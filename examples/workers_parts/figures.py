"""What a run is worth: the table, and what had to hold."""

from statistics import median

from workers_parts.run import Result

LEASE = 3.0  # s: heal_timeout and a second, of workers_parts/shop.py
SLACK = 2.0  # s: for the next read, and a busy machine


def healed_again(result: Result) -> dict[str, float]:
    """For each airport: seconds from the kill until a client got what was healed after it."""
    took: dict[str, float] = {}
    for each in sorted(result.answers, key=lambda answered: answered.at):
        if each.dated is not None and each.dated > result.killed_at:
            took.setdefault(each.code, each.at - result.killed_at)
    return took


def latencies(result: Result) -> list[float]:
    """How long clients waited for an answer, shortest first."""
    return sorted(each.at - each.due for each in result.answers)


def table(result: Result) -> str:
    """What happened, for a reader."""
    waits, again, beside = latencies(result), healed_again(result), sorted(result.beside)
    lost = again.get(result.killed_code)
    callers = {pid for _, what, pid, _ in result.calls if what == "began"}
    rows = [
        ("requests, errors", f"{len(waits):,}, {errors(result)}"),
        ("answered within, half and 95 %", f"{_ms(median(waits))}, {_ms(_most(waits))}"),
        ("   of those that ask no cache", f"{_ms(median(beside))}, {_ms(_most(beside))}"),
        ("calls of the dependency", f"{sum(what == 'began' for _, what, _, _ in result.calls):,}"),
        ("   by the service itself", str(sum(p == result.service_pid for p in callers))),
        ("healed again after the kill", f"{len(again)} of {len(result.codes)} airports"),
        ("   half of them within", f"{median(again.values()):.1f} s" if again else "-"),
        ("   all of them within", f"{max(again.values()):.1f} s" if again else "-"),
        (f"   {result.killed_code}, whose healer died", f"{lost:.1f} s" if lost else "never"),
    ]
    return "\n".join(f"  {name:<34}{said:>20}" for name, said in rows)


def errors(result: Result) -> int:
    """How many clients got none."""
    return sum(each.freshness == "error" for each in result.answers)


def broken_promises(result: Result) -> list[str]:
    """What did not hold."""
    plan, again = result.plan, healed_again(result)
    broken = []
    if not result.killed_pid:
        return ["no worker was caught in the middle of a heal"]
    if errors(result):
        broken.append(f"{errors(result)} requests were not answered")
    machine = _most(sorted(result.beside))  # a busy one is slow whatever is asked
    if _most(latencies(result)) > plan.in_time + 2 * machine:
        broken.append(f"5 % of the answers took longer than {_ms(plan.in_time)}")
    if any(pid == result.service_pid for _, _, pid, _ in result.calls):
        broken.append("the service called the dependency")
    if missing := set(result.codes) - set(again):
        broken.append(f"{len(missing)} airports never healed again")
    elif max(again.values()) > plan.ttl + LEASE + SLACK + 4 * machine:
        broken.append("an airport took longer than its ttl, one lease and one read")
    return broken


def _most(waits: list[float]) -> float:
    """What 95 % kept: the rest is the machine's, on which all of this runs at once."""
    return waits[int(0.95 * (len(waits) - 1))]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
