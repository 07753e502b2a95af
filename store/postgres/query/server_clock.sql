-- Says what the server's clock shows, and its version.
SELECT clock_timestamp(), current_setting('server_version');
