"""The rules told twice, and a machine that holds one telling against the other.

Law: ``rules``, ``store``, ``books``, ``reader``, ``guard``, ``sparing`` and ``process`` are the
reference model: plain Python written from the design, of one thread, that knows nothing of the
package but its public values. ``pair`` has a process of the package and its model, ``acts`` does
each act to both and compares, ``world`` says what must hold after it, ``machine`` chooses the acts.
``promises`` judges what was served from the source's history alone, without any model.
"""
