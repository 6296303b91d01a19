"""Storms in virtual time: the real cache, queue and breaker, in a world that a heap moves."""
