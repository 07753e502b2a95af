-- Lists what heals taught of a case, promoted ones and the newest first. $1 case, $2 environment.
SELECT id, step_number, step_hash, selectors, status, updated_at FROM learned_locators
WHERE test_case_id = $1 AND environment = $2 ORDER BY status = 'promoted' DESC, updated_at DESC, id DESC LIMIT 2000;
