"""Service centres and stations (党群服务中心、站): rooms to book, sessions to attend."""
