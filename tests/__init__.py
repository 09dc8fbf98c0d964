"""Tests of every kind: unit/ (no sockets), integration/, race/, acceptance/, chaos/, load/ (real parts)."""
