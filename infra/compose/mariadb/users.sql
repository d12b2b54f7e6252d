-- Two accounts, each with what it needs; their passwords are the files that the container gets as secrets.
-- Run once, by the server's administrator, when the data folder is empty.
SET SESSION sql_log_bin = 0;
CREATE DATABASE IF NOT EXISTS homeassistant CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

SET @vigie = TRIM(TRAILING '\n' FROM LOAD_FILE('/run/secrets/MARIADB_PASSWORD'));
SET @home = TRIM(TRAILING '\n' FROM LOAD_FILE('/run/secrets/MARIADB_HOME_ASSISTANT_PASSWORD'));
EXECUTE IMMEDIATE CONCAT('CREATE USER vigie@''%'' IDENTIFIED BY ', QUOTE(@vigie));
EXECUTE IMMEDIATE CONCAT('CREATE USER homeassistant@''%'' IDENTIFIED BY ', QUOTE(@home));

GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO vigie@'%';
GRANT SELECT ON homeassistant.* TO vigie@'%';
GRANT ALL ON homeassistant.* TO homeassistant@'%';
