-- An action that takes a lifted one again, when a reinstatement is rolled back, names it: it is no
-- decision of its own and adds no strike.
ALTER TABLE actions ADD COLUMN restores INTEGER;
