-- 某企业某日的信用档案：业务时间与获知时间均为该日（2016-03-15）；此处取当日处罚最多的企业
-- The credit file of one firm as it stood on a day, in business time and in the time of knowing; here the firm with most penalties
WITH days AS (SELECT DATE'2016-03-15' AS valid_on, DATE'2016-03-15' AS known_on),
penalties AS (
  SELECT p.*, visible_from <= valid_on AND (visible_to IS NULL OR visible_to > valid_on) AS visible
  FROM credit.penalty p CROSS JOIN days
  WHERE decided_on <= valid_on AND to_date(known_from) <= known_on AND (known_to IS NULL OR to_date(known_to) > known_on)
), punished AS (
  SELECT e.*, row_number() OVER (ORDER BY n DESC, registration_no) AS place
  FROM credit.entity e CROSS JOIN days JOIN (SELECT entity_id, count(*) AS n FROM penalties GROUP BY entity_id) USING (entity_id)
  WHERE kind = 'enterprise' AND valid_from <= valid_on AND (valid_to IS NULL OR valid_to > valid_on)
    AND to_date(known_from) <= known_on AND (known_to IS NULL OR to_date(known_to) > known_on)
), firm AS (SELECT * FROM punished WHERE place = 1)
SELECT registration_no, name, former_names, status_code,
  (SELECT count_if(in_force_from <= valid_on AND (in_force_to IS NULL OR in_force_to > valid_on)) FROM credit.permit p CROSS JOIN days
   WHERE p.entity_id = firm.entity_id AND decided_on <= valid_on AND to_date(known_from) <= known_on AND (known_to IS NULL OR to_date(known_to) > known_on)
  ) AS permits_in_force,
  (SELECT count(*) FROM penalties p WHERE p.entity_id = firm.entity_id) AS penalties,
  (SELECT count(*) FROM penalties p WHERE p.entity_id = firm.entity_id AND visible) AS penalties_visible,
  (SELECT sum(fine_10k_cny) FROM penalties p WHERE p.entity_id = firm.entity_id AND visible) AS visible_fine_10k_cny,
  (SELECT count(*) FROM credit.list_entry l CROSS JOIN days
   WHERE l.entity_id = firm.entity_id AND colour = 'black' AND listed_on <= valid_on AND (removed_on IS NULL OR removed_on > valid_on)
     AND to_date(known_from) <= known_on AND (known_to IS NULL OR to_date(known_to) > known_on)) AS on_black,
  (SELECT max_by(grade, year) FROM credit.tax_grade g CROSS JOIN days
   WHERE g.entity_id = firm.entity_id AND published_on <= valid_on AND to_date(known_from) <= known_on AND (known_to IS NULL OR to_date(known_to) > known_on)
  ) AS tax_grade
FROM firm
