"""Faults in what is shown: secrets in names, shares, headers, series of two caches."""

from tests.faults._plant import Fault

EXPORTERS = "tests/test_exporters.py::"
SECRETS = EXPORTERS + "test_a_name_that_is_a_url_shows_no_secret"
DOCTOR = "tests/test_doctor.py::"
BREAKER = "test_an_open_breaker_shows_in_figures_metrics_and_health_and_no_password_does"
HEADERS, PROMISE = "tests/test_http_headers.py::", "tests/test_staleness_promise.py::"

FAULTS = [
    Fault(
        "H36 a URL with a password is a label",
        "_breaker.py",
        '(r"//.*@", "//")',
        '(r"//[^/@]*@", "//")',
        (SECRETS,),
    ),
    Fault(
        "H36 a URL with a token in its query is a label",
        "_breaker.py",
        ', (r"(//[^?#]*)[?#].*", r"\\1"))',
        ",)",
        (SECRETS,),
    ),
    Fault(
        "H36 a dependency shows its password when it is printed",
        "_breaker.py",
        "Dependency({without_secrets(self.name)!r}",
        "Dependency({self.name!r}",
        (SECRETS,),
    ),
    Fault(
        "H36 an error shows the password of a dependency",
        "_guard.py",
        "says two things of {without_secrets(self.name)!r}",
        "says two things of {self.name!r}",
        (SECRETS,),
    ),
    Fault(
        "H36 a URL with a password is in the log",
        "observe.py",
        "        about = without_secrets(happening.function)\n",
        "        about = happening.function\n",
        (SECRETS,),
    ),
    Fault(
        "H36 an observer hears the password of a dependency",
        "_guard.py",
        "            about = without_secrets(self.name)\n",
        "            about = self.name\n",
        (EXPORTERS + BREAKER,),
    ),
    Fault(
        "seeing: of two breakers of one name the one that happens to come last shows",
        "export/_series.py",
        "max(one.breaker, two.breaker, key=BREAKER_STATES.index)",
        'one.breaker if two.breaker == "closed" else two.breaker',
        (EXPORTERS + "test_two_functions_of_one_name_are_one_series",),
    ),
    Fault(
        "seeing: OpenTelemetry has another share than the promise's",
        "export/_otel_read.py",
        "_promises(lambda kept: kept.share)",
        "_promises(lambda kept: kept.promise.share)",
        (EXPORTERS + "test_opentelemetry_collects_what_the_ledger_says",),
    ),
    Fault(
        "seeing: a share that is just kept is broken by a rounding",
        "_promise.py",
        "self.share is None or self.share >= self.promise.share",
        "self.young >= self.promise.share * self.answers",
        (PROMISE + "test_a_share_that_is_just_kept_is_kept_whatever_a_product_rounds_to",),
    ),
    Fault(
        "seeing: a header has a number that its readers may refuse",
        "http.py",
        "min(math.floor(answer.age), MOST_SECONDS)",
        "math.floor(answer.age)",
        (HEADERS + "test_no_number_is_longer_than_a_reader_of_headers_must_take",),
    ),
    Fault(
        "H36 the doctor shows the password of a dependency",
        "_doctor.py",
        "name = without_secrets(core.group)",
        "name = core.group",
        (DOCTOR + "test_the_report_names_the_dependency_and_the_promise_and_no_password",),
    ),
    Fault(
        "learning: a parameter of the decorator is told nowhere",
        "_decorator.py",
        "    - ``promise``: what share",
        "    - What share",
        ("tests/test_docs.py::test_the_decorator_says_what_each_of_its_parameters_is_for",),
    ),
]
