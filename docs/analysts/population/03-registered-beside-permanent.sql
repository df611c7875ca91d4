-- 最近一个月各区户籍人口与常住人口各多少,常住与户籍之比多少?
-- In the last month, how many registered (户籍) and permanent (常住) residents has each district, and what is their ratio?
SELECT area_code, registered_residents, permanent_residents, permanent_per_registered
FROM population.household_and_permanent
WHERE stat_month = (SELECT max(stat_month) FROM population.household_and_permanent)
ORDER BY area_code;
