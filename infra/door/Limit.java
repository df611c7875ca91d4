package citylake.door;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerJobEnd;
import org.apache.spark.scheduler.SparkListenerJobStart;

/** Ends a job of a reader after so many seconds, whichever way it came. */
public final class Limit extends SparkListener {
  private final int seconds = Integer.parseInt(System.getenv().getOrDefault("CITYLAKE_DOOR_SECONDS", "300"));
  private final Map<Integer, Long> since = new ConcurrentHashMap<>();

  public Limit() {
    ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(work -> {
      Thread thread = new Thread(work, "citylake-limit");
      thread.setDaemon(true);
      return thread;
    });
    clock.scheduleWithFixedDelay(this::end, 1, 1, TimeUnit.SECONDS);
  }

  @Override
  public void onJobStart(SparkListenerJobStart job) {
    since.put(job.jobId(), System.nanoTime());
  }

  @Override
  public void onJobEnd(SparkListenerJobEnd job) {
    since.remove(job.jobId());
  }

  private void end() {
    since.forEach((job, start) -> {
      if (System.nanoTime() - start > TimeUnit.SECONDS.toNanos(seconds)) {
        SparkContext.getOrCreate().cancelJob(job, "DOOR.LIMIT: a statement may run for " + seconds + " s");
      }
    });
  }
}
