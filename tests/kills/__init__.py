"""Processes that die by SIGKILL at a named step of a heal, and what is left of it to others.

Law: nothing is patched and nothing of the library's inside is known. Each step shows at a port
that a user may plug: the backend's verbs, the executor's submit, the engine's send, the function.
Everything else is the real thing: processes, a file of SQLite, threads, a queue of files.
``python -m tests.kills threads --each 50`` runs it by itself.
"""
