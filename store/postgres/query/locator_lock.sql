-- Reads a learned locator's status and locks it until the transaction ends. $1 locator.
SELECT status FROM learned_locators WHERE id = $1 FOR UPDATE;
