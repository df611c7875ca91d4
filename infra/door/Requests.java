package citylake.door;

import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.apache.spark.connect.proto.ConfigRequest;
import org.apache.spark.connect.proto.KeyValue;
import org.sparkproject.connect.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import org.sparkproject.connect.grpc.Metadata;
import org.sparkproject.connect.grpc.ServerCall;
import org.sparkproject.connect.grpc.ServerCallHandler;
import org.sparkproject.connect.grpc.ServerInterceptor;
import org.sparkproject.connect.grpc.Status;
import org.sparkproject.connect.protobuf.Descriptors.FieldDescriptor;
import org.sparkproject.connect.protobuf.Message;

/**
 * Looks at every request of Spark Connect before Spark does: whose it is, and whether each message in it is on the list.
 *
 * <p>Some requests do their harm before there is a plan to look at: a function sent as bytes is unpacked, a source of data is
 * opened, a file is put on the class path. So what a request may be made of is named in `messages.txt`.
 */
public final class Requests implements ServerInterceptor {
  private static final Set<String> METHODS = Set.of(
      "ExecutePlan", "AnalyzePlan", "Config", "Interrupt", "ReattachExecute", "ReleaseExecute", "ReleaseSession",
      "FetchErrorDetails");
  private static final Set<String> MESSAGES = Door.names("messages.txt");
  private static final String OURS = "spark.connect.";
  private static final Metadata.Key<String> TOKEN = Metadata.Key.of("Authorization", Metadata.ASCII_STRING_MARSHALLER);

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    String method = call.getMethodDescriptor().getBareMethodName();
    if (!METHODS.contains(method)) {
      return closed(call, Status.PERMISSION_DENIED, "DOOR.REFUSED: " + method + " is not for readers");
    }
    String given = headers.get(TOKEN);
    String token = given != null && given.startsWith("Bearer ") ? given.substring("Bearer ".length()) : "";
    return new SimpleForwardingServerCallListener<Q>(next.startCall(call, headers)) {
      private boolean over;

      @Override
      public void onMessage(Q request) {
        try {
          Message message = (Message) request;
          whose(message, token);
          walk(message);
          if (message instanceof ConfigRequest) {
            settings((ConfigRequest) message);
          }
          super.onMessage(request);
        } catch (Door.Refused refused) {
          over = true;
          call.close((refused.unknown ? Status.UNAUTHENTICATED : Status.PERMISSION_DENIED).withDescription(refused.getMessage()),
              new Metadata());
        }
      }

      @Override
      public void onHalfClose() {
        if (!over) {
          super.onHalfClose();
        }
      }
    };
  }

  private static <Q, A> ServerCall.Listener<Q> closed(ServerCall<Q, A> call, Status status, String why) {
    call.close(status.withDescription(why), new Metadata());
    return new ServerCall.Listener<Q>() {};
  }

  /** The user of a request is the one whose token it bears, so nobody reaches a session of another. */
  private static void whose(Message message, String token) {
    FieldDescriptor field = message.getDescriptorForType().findFieldByName("user_context");
    Message user = (Message) message.getField(field);
    Object name = user.getField(user.getDescriptorForType().findFieldByName("user_id"));
    if (!Users.knows((String) name, token)) {
      throw new Door.Refused("DOOR.UNKNOWN: no such user, or another token", true);
    }
  }

  private static void walk(Message message) {
    String name = message.getDescriptorForType().getFullName();
    String own = name.startsWith(OURS) ? name.substring(OURS.length()) : name;
    if (!message.getDescriptorForType().getOptions().getMapEntry() && !MESSAGES.contains(own)) {
      throw new Door.Refused(own);
    }
    if (!message.getUnknownFields().asMap().isEmpty()) {
      throw new Door.Refused("a field of " + own + " that nobody knows");
    }
    for (Map.Entry<FieldDescriptor, Object> set : message.getAllFields().entrySet()) {
      if (set.getKey().getJavaType() != FieldDescriptor.JavaType.MESSAGE) {
        continue;
      }
      Iterable<?> inner = set.getKey().isRepeated() ? (Iterable<?>) set.getValue() : Set.of(set.getValue());
      inner.forEach(m -> walk((Message) m));
    }
  }

  /** Readable is how Spark and its client compute; what may be set is the same as in SQL. */
  private static void settings(ConfigRequest request) {
    ConfigRequest.Operation asked = request.getOperation();
    boolean all = asked.hasGetAll();
    for (KeyValue pair : asked.getSet().getPairsList()) {
      Door.maySet(pair.getKey(), pair.getValue());
    }
    asked.getUnset().getKeysList().forEach(key -> Door.maySet(key, ""));
    boolean read = asked.getGet().getKeysList().stream().allMatch(Requests::readable)
        && asked.getGetOption().getKeysList().stream().allMatch(Requests::readable)
        && asked.getGetWithDefault().getPairsList().stream().allMatch(p -> readable(p.getKey()));
    if (all || !read) {
      throw new Door.Refused("a setting that is not of spark.sql");
    }
  }

  private static boolean readable(String key) {
    String name = key.toLowerCase(Locale.ROOT);
    return name.startsWith("spark.sql.") || name.startsWith("spark.connect.") || name.startsWith("spark.python.");
  }
}
