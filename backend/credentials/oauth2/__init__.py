"""Credentials whose secret a provider gives (OAuth 2): connected by a person or by the client itself, renewed by Trestle."""
