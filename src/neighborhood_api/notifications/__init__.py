"""Telling people: an inbox, and WeChat messages to who agreed; not why they are told."""
