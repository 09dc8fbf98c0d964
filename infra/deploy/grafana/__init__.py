"""Grafana's dashboards as code: `make dashboards` writes the JSON files that Grafana reads.

It needs `grafana-foundation-sdk`, which is among the packages for development alone.
"""
