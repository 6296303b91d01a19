"""What each release wrote, kept for good: sealed entries and events, one file a release.

Law: a file is never changed once its release is out; what reads them is tests/test_golden.py. If
a writer is changed on purpose, the new release gets a file of its own:
``python -c "from tests.golden.cases import write; write('VERSION')"``.
"""
