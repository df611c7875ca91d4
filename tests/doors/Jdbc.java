import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Base64;

/** Runs statements, one a line in base64, over one connection; prints `OK rows` or `ERROR text` for each, in base64. */
public final class Jdbc {
  public static void main(String[] given) throws Exception {
    String[] lines = new String(System.in.readAllBytes(), StandardCharsets.UTF_8).split("\n");
    try (Connection connection = DriverManager.getConnection(given[0], given[1], given.length > 2 ? given[2] : "")) {
      for (String line : lines) {
        System.out.println(encoded(answer(connection, new String(Base64.getDecoder().decode(line), StandardCharsets.UTF_8))));
      }
    } catch (SQLException refused) {
      System.out.println(encoded("ERROR " + refused.getMessage()));
    }
    System.exit(0);
  }

  private static String answer(Connection connection, String text) {
    try (Statement statement = connection.createStatement()) {
      StringBuilder rows = new StringBuilder("OK");
      if (statement.execute(text)) {
        try (ResultSet found = statement.getResultSet()) {
          int columns = found.getMetaData().getColumnCount();
          while (found.next()) {
            rows.append('\n');
            for (int i = 1; i <= columns; i++) {
              rows.append(i == 1 ? "" : "\t").append(found.getString(i));
            }
          }
        }
      }
      return rows.toString();
    } catch (SQLException refused) {
      return "ERROR " + refused.getMessage();
    }
  }

  private static String encoded(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }
}
