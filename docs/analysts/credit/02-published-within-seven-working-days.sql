-- 各机关各季度七个工作日内公示的决定占比，以及从未公示的许可
-- Share of decisions published within seven working days by authority and quarter, and permits that were never published
SELECT decision_kind, authority_name, decided_quarter, decisions, in_time, late, concealed, in_time_share
FROM credit.publication_timeliness
