CREATE OR REPLACE VIEW `{table}_current` AS
SELECT * FROM `{table}` FINAL
ORDER BY rule, subject, occ DESC, seq DESC
LIMIT 1 BY rule, subject
