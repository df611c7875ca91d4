-- 未满最短公示期即予修复的处罚（期限见代码表 publicity_terms，部分未经核实）
-- Repairs granted before the minimum period; terms by day of decision and severity (codes/publicity_terms, in part unconfirmed)
SELECT authority_name, document_no, counterpart_name, severity, decided_on, repaired_on, repairable_from
FROM credit.penalty
WHERE known_to IS NULL AND repaired_on < repairable_from
