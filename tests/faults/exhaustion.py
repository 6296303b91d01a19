"""Faults in what is done when no thread or descriptor is to be had."""

from tests.faults._plant import Fault

THREADS = (
    "tests/test_exhaustion.py::test_without_a_thread_heals_are_dropped_until_there_is_one_again"
)
DESCRIPTORS = (
    "tests/test_exhaustion.py::test_without_a_descriptor_heals_come_to_an_end_and_later_to_a_value"
)

FAULTS = [
    Fault(
        "H31 without a thread for reads the caller waits for one",
        "_offload.py",
        "                if self._threads == 0 and job in self._jobs:",
        "                if False:",
        (THREADS,),
    ),
    Fault(
        "H31 after one failure to start a reader none is started again",
        "_offload.py",
        "                self._threads -= 1\n                if self._threads == 0 and",
        "                self._threads -= 0\n                if self._threads == 1 and",
        (THREADS,),
    ),
    Fault(
        "H31 after one failure to start its thread an observer hears nothing",
        "_mailbox.py",
        "        except RuntimeError:  # no thread is to be had: the next happening tries again\n"
        "            self._started = False",
        "        except RuntimeError:\n            pass",
        (THREADS,),
    ),
    Fault(
        "H31 a manager that could not start is believed to be there",
        "executors/_heal_threads.py",
        "            thread.start()\n        except RuntimeError as error:\n",
        "            self.managed = True\n            thread.start()\n"
        "        except RuntimeError as error:\n",
        (THREADS,),
    ),
    Fault(
        "H31 a publisher that could not start is believed to be there",
        "executors/_outbox.py",
        "            thread.start()\n        except RuntimeError as error:\n",
        "            self.publisher = thread\n            thread.start()\n"
        "        except RuntimeError as error:\n",
        (THREADS,),
    ),
    Fault(
        "H31 a heal without an event loop of its own has no end",
        "_carried.py",
        "        except Exception as error:  # no loop is to be had here\n"
        "            self.ends(End(Outcome.DROPPED, error=error))",
        "        except Exception:\n            pass",
        (DESCRIPTORS,),
    ),
    Fault(
        "H31 what waits for a publisher that gets no loop waits for ever",
        "executors/_outbox.py",
        "                self.publisher = None\n            self._cut_off_what_waits()",
        "                self.publisher = None",
        (DESCRIPTORS,),
    ),
]
