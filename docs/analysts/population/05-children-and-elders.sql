-- 各区15岁以下与60岁以上户籍人口(可公布部分)各多少,隐去多少格?
-- How many registered residents under 15 and from 60 on does each district show, and how many cells are withheld?
SELECT division_code, sum(residents) FILTER (WHERE age_from < 15) AS under_15, sum(residents) FILTER (WHERE age_from >= 60) AS from_60,
  count_if(suppressed) AS cells_withheld
FROM population.resident_count
GROUP BY division_code
ORDER BY division_code;
