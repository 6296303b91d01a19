"""Exporters of the figures, one file a system: ``prometheus`` and ``otel``, each with its extra."""
