"""Waits that are answered from outside: resume addresses and approvals."""
