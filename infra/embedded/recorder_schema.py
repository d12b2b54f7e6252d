"""The tables of Home Assistant's recorder, schema 53, as MariaDB has them."""

TABLES = (
    """CREATE TABLE IF NOT EXISTS states_meta(
  metadata_id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  entity_id VARCHAR(255) NULL,
  UNIQUE KEY ix_states_meta_entity_id(entity_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci""",
    """CREATE TABLE IF NOT EXISTS state_attributes(
  attributes_id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  hash INT UNSIGNED NULL,
  shared_attrs LONGTEXT NULL,
  KEY ix_state_attributes_hash(hash)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci""",
    """CREATE TABLE IF NOT EXISTS states(
  state_id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  entity_id CHAR(0) NULL,
  state VARCHAR(255) NULL,
  attributes CHAR(0) NULL,
  event_id SMALLINT NULL,
  last_changed CHAR(0) NULL,
  last_changed_ts DOUBLE NULL,
  last_reported_ts DOUBLE NULL,
  last_updated CHAR(0) NULL,
  last_updated_ts DOUBLE NULL,
  old_state_id BIGINT NULL,
  attributes_id BIGINT NULL,
  context_id CHAR(0) NULL,
  context_user_id CHAR(0) NULL,
  context_parent_id CHAR(0) NULL,
  origin_idx SMALLINT NULL,
  context_id_bin BLOB(16) NULL,
  context_user_id_bin BLOB(16) NULL,
  context_parent_id_bin BLOB(16) NULL,
  metadata_id BIGINT NULL,
  KEY ix_states_metadata_id_last_updated_ts(metadata_id,last_updated_ts),
  KEY ix_states_context_id_bin(context_id_bin(16)),
  KEY ix_states_last_updated_ts(last_updated_ts),
  KEY ix_states_old_state_id(old_state_id),
  KEY ix_states_attributes_id(attributes_id),
  FOREIGN KEY(old_state_id) REFERENCES states(state_id),
  FOREIGN KEY(attributes_id) REFERENCES state_attributes(attributes_id),
  FOREIGN KEY(metadata_id) REFERENCES states_meta(metadata_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci""",
)
