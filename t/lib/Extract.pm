package Extract;

# What an answer says, whatever its dialect: text, tool calls, why it stopped,
# tokens.  Written apart from the gateway's own decoders, to judge them.

use strict;
use warnings;
use Client;
use JSON::PP;

my $json = JSON::PP->new->utf8->canonical->allow_nonref;

my %stop = (
	stop => 'end', end_turn => 'end', stop_sequence => 'end',
	pause_turn => 'end', STOP => 'end', completed => 'end',
	length => 'length', max_tokens => 'length', MAX_TOKENS => 'length',
	model_context_window_exceeded => 'length',
	max_output_tokens => 'length',
	tool_calls => 'tool', function_call => 'tool', tool_use => 'tool',
	content_filter => 'filter', refusal => 'filter',
	map({ $_ => 'filter' } qw(SAFETY RECITATION BLOCKLIST LANGUAGE
	    PROHIBITED_CONTENT SPII IMAGE_SAFETY MODEL_ARMOR)),
	1 => 'end', 2 => 'length', 3 => 'filter',
);

sub args {
	my ($text) = @_;
	my $bytes = ref $text ? '' : $text;
	utf8::encode($bytes);
	my $v = ref $text ? $text : eval { $json->decode($bytes) };

	return defined $v ? $json->encode($v) : "raw:$text";
}

sub finish {
	my ($x) = @_;

	$x->{stop} = $stop{ $x->{raw} // '' } // 'other';
	$x->{stop} = 'tool' if $x->{stop} eq 'end' && @{ $x->{calls} };
	return $x;
}

sub fresh { { text => '', calls => [], in => undef, out => undef } }
sub sum { my $n = 0; $n += $_ // 0 for @_; $n }

# --- OpenAI Chat Completions ----------------------------------------------------

sub chat_usage {
	my ($x, $u) = @_;
	return unless $u;
	@$x{qw(in out)} = @$u{qw(prompt_tokens completion_tokens)};
	# Where the total says that reasoning is counted apart (xAI).
	my $r = $u->{completion_tokens_details}{reasoning_tokens} // 0;
	$x->{out} += $r if $r && ($u->{total_tokens} // 0) ==
	    $x->{in} + $x->{out} + $r;
}

sub chat {
	my ($j) = @_;
	my $x = fresh();
	my ($c) = grep { !($_->{index} // 0) } @{ $j->{choices} // [] };
	my $m = $c->{message} // {};

	$x->{text} = join '', grep { defined && !ref } @$m{qw(content
	    refusal)};
	$x->{refused} = 1 if length($m->{refusal} // '');
	push @{ $x->{calls} }, { name => $_->{function}{name} //
	    $_->{custom}{name}, args => args($_->{function}{arguments} //
	    $json->encode({ input => $_->{custom}{input} })) }
	    for @{ $m->{tool_calls} // [] };
	push @{ $x->{calls} }, { name => $m->{function_call}{name},
	    args => args($m->{function_call}{arguments}) }
	    if $m->{function_call};
	$x->{raw} = $c->{finish_reason};
	chat_usage($x, $j->{usage});
	return finish($x);
}

sub chat_stream {
	my $x = fresh();
	my (%call, @order);

	for my $e (@_) {
		my $j = $e->{json} or next;
		$x->{error} = 1 if $j->{error};
		chat_usage($x, $j->{usage});
		for my $c (@{ $j->{choices} // [] }) {
			next if $c->{index};
			my $d = $c->{delta} // {};
			$x->{text} .= $_ for grep { defined && !ref }
			    @$d{qw(content refusal)};
			$x->{refused} = 1 if length($d->{refusal} // '');
			for my $t (@{ $d->{tool_calls} // [] }) {
				my $i = $t->{index} // 0;
				push @order, $i unless $call{$i};
				my $f = $t->{function} // $t->{custom} // {};
				$call{$i}{name} //= $f->{name};
				$call{$i}{args} .= $f->{arguments} //
				    $f->{input} // '';
				$call{$i}{custom} ||= $t->{custom};
			}
			if (my $f = $d->{function_call}) {
				push @order, 'f' unless $call{f};
				$call{f}{name} //= $f->{name};
				$call{f}{args} .= $f->{arguments} // '';
			}
			$x->{raw} = $c->{finish_reason}
			    if defined $c->{finish_reason};
		}
	}
	$x->{calls} = [map { { name => $call{$_}{name}, args => args(
	    $call{$_}{custom} ? $json->encode({ input =>
	    $call{$_}{args} }) : $call{$_}{args} eq '' ? '{}' :
	    $call{$_}{args}) } } @order];
	return finish($x);
}

# --- OpenAI Responses ---------------------------------------------------------------

sub responses {
	my ($j) = @_;
	my $x = fresh();

	for my $o (@{ $j->{output} // [] }) {
		if ($o->{type} eq 'message') {
			for (@{ $o->{content} // [] }) {
				$x->{text} .= $_->{text} // $_->{refusal} // '';
				$x->{refused} = 1 if defined $_->{refusal};
			}
		} elsif ($o->{type} eq 'function_call') {
			push @{ $x->{calls} }, { name => $o->{name},
			    args => args($o->{arguments}) };
		} elsif ($o->{type} eq 'custom_tool_call') {
			push @{ $x->{calls} }, { name => $o->{name},
			    args => args({ input => $o->{input} }) };
		}
	}
	$x->{error} = 1 if ($j->{status} // '') eq 'failed';
	$x->{raw} = ($j->{status} // '') eq 'incomplete' ?
	    $j->{incomplete_details}{reason} : $j->{status};
	if (my $u = $j->{usage}) {
		@$x{qw(in out)} = @$u{qw(input_tokens output_tokens)};
	}
	return finish($x);
}

sub responses_stream {
	my (@ev) = @_;
	my (%item, $last);

	for my $e (map { $_->{json} // () } @ev) {
		$item{ $e->{output_index} } = $e->{item}
		    if ($e->{type} // '') eq 'response.output_item.done';
		$last = $e->{response} if ($e->{type} // '') =~
		    /^response\.(completed|incomplete|failed)$/;
	}
	return { %{ fresh() }, error => 1, stop => 'other' } unless $last;
	my %r = %$last;
	$r{output} = [map { $item{$_} } sort { $a <=> $b } keys %item]
	    if %item;
	return responses(\%r);
}

# --- Anthropic Messages ----------------------------------------------------------------

sub anthropic_usage {
	my ($x, $u) = @_;
	my %u = (%{ $x->{u} // {} }, map { defined $u->{$_} ?
	    ($_ => $u->{$_}) : () } keys %{ $u // {} });

	$x->{u} = \%u;
	$x->{in} = sum(@u{qw(input_tokens cache_read_input_tokens
	    cache_creation_input_tokens)}) if defined $u{input_tokens};
	$x->{out} = $u{output_tokens};
}

sub anthropic {
	my ($j) = @_;
	my $x = fresh();

	for my $b (@{ $j->{content} // [] }) {
		$x->{text} .= $b->{text} if $b->{type} eq 'text';
		push @{ $x->{calls} }, { name => $b->{name},
		    args => args($b->{input}) } if $b->{type} eq 'tool_use';
	}
	$x->{raw} = $j->{stop_reason};
	anthropic_usage($x, $j->{usage});
	return finish($x);
}

sub anthropic_stream {
	my $x = fresh();
	my (%call, @order);

	for my $j (map { $_->{json} // () } @_) {
		my $t = $j->{type};
		if ($t eq 'message_start') {
			anthropic_usage($x, $j->{message}{usage});
		} elsif ($t eq 'content_block_start') {
			my $b = $j->{content_block};
			$x->{text} .= $b->{text} // ''
			    if $b->{type} eq 'text';
			next unless $b->{type} eq 'tool_use';
			push @order, $j->{index};
			$call{ $j->{index} } = { name => $b->{name},
			    args => '', input => $b->{input} };
		} elsif ($t eq 'content_block_delta') {
			my $d = $j->{delta};
			$x->{text} .= $d->{text} if $d->{type} eq 'text_delta';
			$call{ $j->{index} }{args} .= $d->{partial_json}
			    if $d->{type} eq 'input_json_delta' &&
			    $call{ $j->{index} };
		} elsif ($t eq 'message_delta') {
			$x->{raw} = $j->{delta}{stop_reason};
			anthropic_usage($x, $j->{usage});
		} elsif ($t eq 'error') {
			$x->{error} = 1;
		}
	}
	$x->{calls} = [map { { name => $call{$_}{name}, args => args(
	    $call{$_}{args} eq '' ? $call{$_}{input} // {} :
	    $call{$_}{args}) } } @order];
	return finish($x);
}

# --- Gemini -------------------------------------------------------------------------------

sub either { my ($h, @k) = @_; for (@k) { return $h->{$_} if defined $h->{$_} } return }

sub gemini_add {
	my ($x, $j) = @_;

	$x->{error} = 1 if $j->{error};
	for my $c (@{ $j->{candidates} // [] }) {
		next if $c->{index};
		my $parts = $c->{content}{parts} // [];
		for my $p (ref $parts eq 'ARRAY' ? @$parts : $parts) {
			$x->{text} .= $p->{text} if defined $p->{text} &&
			    !$p->{thought};
			my $f = either($p, 'functionCall', 'function_call')
			    or next;
			push @{ $x->{calls} }, { name => $f->{name},
			    args => args($f->{args} // {}) };
		}
		my $r = either($c, 'finishReason', 'finish_reason');
		$x->{raw} = $r if $r;
	}
	my $f = $j->{promptFeedback};
	$x->{raw} //= 'SAFETY' if $f && $f->{blockReason} &&
	    !@{ $j->{candidates} // [] };
	if (my $u = either($j, 'usageMetadata', 'usage_metadata')) {
		my $in = $u->{promptTokenCount};
		$x->{in} = sum($in, $u->{toolUsePromptTokenCount})
		    if defined $in;
		my @out = @$u{qw(candidatesTokenCount thoughtsTokenCount)};
		$x->{out} = sum(@out) if grep { defined } @out;
	}
	return $x;
}

sub gemini { my $x = fresh(); gemini_add($x, $_) for @_; finish($x) }

# --- any -------------------------------------------------------------------------------------

sub extract {
	my ($dialect, $body, $stream) = @_;
	my @ev = $stream ? Client::events($body) : ();
	my $j = $stream ? undef : eval { $json->decode($body) };

	if ($dialect eq 'gemini') {
		return gemini(map { $_->{json} // () } @ev) if $stream;
		return gemini(ref $j eq 'ARRAY' ? @$j : $j);
	}
	if ($dialect eq 'openai-chat') {
		return $stream ? chat_stream(@ev) : chat($j);
	} elsif ($dialect eq 'openai-responses') {
		return $stream ? responses_stream(@ev) : responses($j);
	}
	return $stream ? anthropic_stream(@ev) : anthropic($j);
}

1;
