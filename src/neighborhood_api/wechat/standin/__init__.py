"""A local server that behaves as WeChat's do, for development, demonstration and tests."""
