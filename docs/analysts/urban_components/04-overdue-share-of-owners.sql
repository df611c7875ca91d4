-- 各权属单位超期率，无主部件单列
-- The share of overdue cases by owner; assets that nobody owns stand apart.
SELECT unowned, owner_name, sum(cases) AS cases, sum(overdue) AS overdue, round(sum(overdue) / sum(cases), 4) AS overdue_share
FROM urban_components.duty_body_month
GROUP BY unowned, owner_name
ORDER BY unowned, overdue_share DESC, owner_name;
