package citylake.door;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.security.MessageDigest;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.analysis.FunctionRegistry$;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.InheritAnalysisRules;
import org.apache.spark.sql.catalyst.expressions.SubqueryExpression;
import org.apache.spark.sql.catalyst.plans.logical.Command;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.ParsedStatement;
import org.apache.spark.sql.catalyst.plans.logical.View;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.execution.command.ExplainCommand;
import org.apache.spark.sql.execution.command.SetCommand;
import org.apache.spark.sql.execution.datasources.HadoopFsRelation;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import scala.Function1;
import scala.Option;
import scala.Tuple2;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/**
 * The analysts' door: a statement runs only when every operator and every expression of its analysed plan is on a list.
 *
 * <p>What a view shows was made by the lake and is not looked into; a user cannot make a view that lasts, since no command
 * that makes one is on the list. Sessions of the lake itself open the door with the secret of the server's environment.
 */
public final class Door extends AbstractFunction1<SparkSessionExtensions, BoxedUnit> {
  static final String STATE = "spark.citylake.door";
  private static final Set<String> OPERATORS = names("operators.txt");
  private static final Set<String> EXPRESSIONS = names("expressions.txt");
  private static final Set<String> COMMANDS = names("commands.txt");
  private static final Set<String> RELATIONS = Set.of("LogicalRelation", "DataSourceV2Relation");
  private static final Set<String> OWN = Set.of(
      "DeserializeToObject", "SerializeFromObject", "MapElements", "MapPartitions", "ExternalRDD", "LogicalRDD", "TypedFilter");
  private static final Set<String> CALLERS = Set.of(
      "org.apache.spark.sql.delta.", "org.apache.spark.sql.catalyst.encoders.ExpressionEncoder");
  private static final String DELTA_LOG = "org.apache.spark.sql.delta.DeltaLogFileIndex";
  private static final String SECRET = System.getenv("CITYLAKE_DOOR_SECRET");
  private static final Set<String> SETTINGS = names("settings.txt");

  @Override
  public BoxedUnit apply(SparkSessionExtensions extensions) {
    // Spark computes some constants while it analyses, before any check: what calls code by name is no function here.
    for (String name : names("removed.txt")) {
      FunctionRegistry$.MODULE$.builtin().dropFunction(FunctionIdentifier.apply(name));
    }
    // Commands run as soon as they are analysed, so they are looked at there; the body of a view is analysed by itself,
    // without a sign that it is one, so what a query reads is looked at when the plan is whole.
    extensions.injectCheckRule(new AbstractFunction1<SparkSession, Function1<LogicalPlan, BoxedUnit>>() {
      @Override
      public Function1<LogicalPlan, BoxedUnit> apply(SparkSession session) {
        return new AbstractFunction1<LogicalPlan, BoxedUnit>() {
          @Override
          public BoxedUnit apply(LogicalPlan plan) {
            if (closed(session) && !own(plan)) {
              check(plan, true);
            }
            return BoxedUnit.UNIT;
          }
        };
      }
    });
    extensions.injectPlanNormalizationRule(new AbstractFunction1<SparkSession, Rule<LogicalPlan>>() {
      @Override
      public Rule<LogicalPlan> apply(SparkSession session) {
        return new Rule<LogicalPlan>() {
          @Override
          public LogicalPlan apply(LogicalPlan plan) {
            if (closed(session) && !own(plan)) {
              check(plan, false);
            }
            return plan;
          }
        };
      }
    });
    return BoxedUnit.UNIT;
  }

  /** A server whose environment holds a secret is closed to all who do not name it; the lake's own holds none. */
  private static boolean closed(SparkSession session) {
    return SECRET != null && !SECRET.equals(session.conf().get(STATE, ""));
  }

  private static void check(LogicalPlan plan, boolean mayBeView) {
    String name = simple(plan);
    if (plan instanceof View) {
      if (((View) plan).isTempView()) {
        throw new Refused("a view of one session (" + name + ")");
      }
      return;
    }
    if (plan instanceof SetCommand) {
      set((SetCommand) plan);
    } else if (plan instanceof ExplainCommand) {
      explain((ExplainCommand) plan);
    } else if (!(mayBeView && RELATIONS.contains(name)) && !OPERATORS.contains(name) && !COMMANDS.contains(name)) {
      throw new Refused(name);
    }
    for (Expression e : CollectionConverters.asJava(plan.expressions())) {
      check(e, mayBeView);
    }
    for (LogicalPlan child : CollectionConverters.asJava(plan.children())) {
      check(child, mayBeView);
    }
  }

  private static void check(Expression expression, boolean mayBeView) {
    String name = simple(expression);
    boolean known = expression.getClass().getName().startsWith("org.apache.spark.sql.catalyst.") && EXPRESSIONS.contains(name);
    if (!known) {
      throw new Refused("the function " + expression.prettyName());
    }
    if (expression instanceof SubqueryExpression) {
      check((LogicalPlan) ((SubqueryExpression) expression).plan(), mayBeView);
    }
    // What stands for itself is looked at by its arguments: Spark shows what it will become as its child.
    Iterable<Expression> inner = expression instanceof InheritAnalysisRules
        ? CollectionConverters.asJava(((InheritAnalysisRules) expression).parameters())
        : CollectionConverters.asJava(expression.children());
    for (Expression e : inner) {
      check(e, mayBeView);
    }
  }

  private static void set(SetCommand command) {
    Option<Tuple2<String, Option<String>>> pair = command.kv();
    maySet(pair.isEmpty() ? "" : pair.get()._1(), pair.isEmpty() ? "" : pair.get()._2().getOrElse(() -> ""));
  }

  /** A session sets how its queries run, and opens the door with the secret of the server. */
  static void maySet(String name, String value) {
    boolean opens = name.equals(STATE) && SECRET != null && MessageDigest.isEqual(SECRET.getBytes(UTF_8), value.getBytes(UTF_8));
    if (!opens && !SETTINGS.contains(name.toLowerCase(Locale.ROOT))) {
      throw new Refused("SET of anything but " + String.join(", ", SETTINGS.stream().sorted().toList()));
    }
  }

  private static void explain(ExplainCommand command) {
    if (command.logicalPlan() instanceof Command || command.logicalPlan() instanceof ParsedStatement) {
      throw new Refused("EXPLAIN of a command");
    }
  }

  /**
   * Whether Delta asks its own log, or Spark how a row becomes an object, which they do in the session of whoever reads:
   * they call, and the plan has operators that no SQL text makes; a view is not looked into.
   */
  private static boolean own(LogicalPlan plan) {
    return ownShape(plan) && StackWalker.getInstance().walk(
        frames -> frames.anyMatch(frame -> CALLERS.stream().anyMatch(frame.getClassName()::startsWith)));
  }

  private static boolean ownShape(LogicalPlan plan) {
    if (plan instanceof View) {
      return false;
    }
    boolean log = plan instanceof LogicalRelation
        && ((LogicalRelation) plan).relation() instanceof HadoopFsRelation
        && ((HadoopFsRelation) ((LogicalRelation) plan).relation()).location().getClass().getName().equals(DELTA_LOG);
    if (log || OWN.contains(simple(plan))) {
      return true;
    }
    for (LogicalPlan child : CollectionConverters.asJava(plan.children())) {
      if (ownShape(child)) {
        return true;
      }
    }
    return false;
  }

  /** A class by its own name; that of a Scala object ends with a sign that is none of it. */
  private static String simple(Object node) {
    String name = node.getClass().getSimpleName();
    return name.endsWith("$") ? name.substring(0, name.length() - 1) : name;
  }

  static Set<String> names(String file) {
    try (BufferedReader lines = new BufferedReader(
        new InputStreamReader(Door.class.getResourceAsStream("/citylake/door/" + file), UTF_8))) {
      return lines.lines().filter(l -> !l.isBlank() && !l.startsWith("#")).collect(Collectors.toUnmodifiableSet());
    } catch (java.io.IOException error) {
      throw new IllegalStateException(error);
    }
  }

  /** What the door lets nobody do. */
  public static final class Refused extends SecurityException {
    final boolean unknown;

    Refused(String what) {
      this("DOOR.REFUSED: " + what + " is not for readers; queries over released views are", false);
    }

    Refused(String told, boolean unknown) {
      super(told);
      this.unknown = unknown;
    }
  }
}
